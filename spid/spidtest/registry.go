package spidtest

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"stella/spid"
)

const (
	nsMetadata    = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsPublication = "urn:oasis:names:tc:SAML:metadata:rpi"
)

// Registry is the registry of a federation: an http.Handler that serves the
// aggregate of its identity providers' metadata, signed with its own key, like
// AgID's registry. It can also serve something else, or nothing.
type Registry struct {
	key keyPair

	mu      sync.Mutex
	handler http.Handler
	fetched int
}

// NewRegistry makes a registry with a new key, whose certificate is valid for
// three years from one hour before now. It answers 404 until Publish or Serve
// is called.
func NewRegistry(now time.Time) (*Registry, error) {
	organization := spid.Organization{Name: "Registro di prova", VATNumber: "IT01234567897", Locality: "Roma"}
	private, certificate, err := spid.SelfSigned("https://registry.example", organization, now.Add(-time.Hour))
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return &Registry{key: keyPair{private, certificate}, handler: http.NotFoundHandler()}, nil
}

// Again returns another registry with the same key, because a new key takes
// time. It answers 404 until Publish or Serve is called.
func (r *Registry) Again() *Registry { return &Registry{key: r.key, handler: http.NotFoundHandler()} }

// Signer returns the fingerprint of the registry's certificate.
func (r *Registry) Signer() spid.Fingerprint { return spid.FingerprintOf(r.key.certificate) }

// Aggregate returns the signed aggregate of the metadata, one document for each
// provider, with the given creation time. The edits change it before it is
// signed. Its elements have the prefixes md and mdrpi.
func (r *Registry) Aggregate(created time.Time, metadata [][]byte, edits ...func(root *etree.Element)) ([]byte, error) {
	root := etree.NewElement("md:EntitiesDescriptor")
	root.CreateAttr("xmlns:md", nsMetadata)
	root.CreateAttr("xmlns:mdrpi", nsPublication)
	root.CreateAttr("ID", newID())
	add(add(root, "md:Extensions", ""), "mdrpi:PublicationInfo", "",
		"publisher", "registry.example", "creationInstant", instant(created.UTC()))
	for _, raw := range metadata {
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(raw); err != nil {
			return nil, fmt.Errorf("aggregate: %w", err)
		}
		if doc.Root() == nil {
			return nil, errors.New("aggregate: metadata without an element")
		}
		root.AddChild(doc.Root())
	}
	for _, edit := range edits {
		edit(root)
	}
	if err := r.Sign(root); err != nil {
		return nil, fmt.Errorf("aggregate: %w", err)
	}
	return etree.NewDocumentWithRoot(root).WriteToBytes()
}

// Sign adds an enveloped signature of the whole document as the first child of
// its root. The adjust functions can weaken the signature.
func (r *Registry) Sign(root *etree.Element, adjust ...func(*dsig.SigningContext)) error {
	context, err := dsig.NewSigningContext(r.key.private, [][]byte{r.key.certificate.Raw})
	if err != nil {
		return err
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	for _, do := range adjust {
		do(context)
	}
	signature, err := context.ConstructSignature(root.Copy(), true)
	if err != nil {
		return err
	}
	root.InsertChildAt(0, signature)
	return nil
}

// Publish makes the registry serve that document.
func (r *Registry) Publish(aggregate []byte) {
	r.Serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/samlmetadata+xml")
		w.Write(aggregate)
	})
}

// Serve makes the registry answer with that handler.
func (r *Registry) Serve(handler http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handler = handler
}

// Fetched returns the number of requests so far.
func (r *Registry) Fetched() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fetched
}

func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.fetched++
	handler := r.handler
	r.mu.Unlock()
	handler.ServeHTTP(w, req)
}

// Handlers for a registry with problems.

// Hang does not answer until the client disconnects.
func Hang(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }

// Broken answers with status 500.
func Broken(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "broken", http.StatusInternalServerError)
}

// Truncated closes the connection in the middle of the document.
func Truncated(aggregate []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(aggregate)))
		w.Write(aggregate[:len(aggregate)/2])
	}
}

// Endless sends spaces until the client disconnects.
func Endless(w http.ResponseWriter, _ *http.Request) {
	page := make([]byte, 64<<10)
	for i := range page {
		page[i] = ' '
	}
	for {
		if _, err := w.Write(page); err != nil {
			return
		}
	}
}

// MovedTo redirects to another URL.
func MovedTo(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, url, http.StatusFound) }
}
