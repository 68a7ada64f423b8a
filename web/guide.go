package web

import (
	"fmt"
	"net/http"
	"strings"

	qr "github.com/piglig/go-qr"

	"stella/templates"
	"stella/workflow"
)

// GuidePath is the path of the public guide of the procedure.
const GuidePath = "/guida"

// showGuide shows the guide. It needs no session and no database.
func (s *Server) showGuide(w http.ResponseWriter, r *http.Request) error {
	_, err := r.Cookie(cookieName(s.secure(), sessionCookie))
	s.write(w, r, http.StatusOK, "guide", templates.Page{
		Locale: s.locale(r, workflow.Visitor{}),
		Data:   templates.Guide{URL: s.guideURL(), Resume: err == nil},
	})
	return nil
}

// showGuideCode returns the URL of the guide as a QR code in SVG.
func (s *Server) showGuideCode(w http.ResponseWriter, r *http.Request) error {
	code, err := qr.EncodeText(s.guideURL(), qr.Medium)
	if err != nil {
		return fmt.Errorf("encoding the guide's address as a QR code: %w", err)
	}
	// ISO/IEC 18004 requires a margin of four modules.
	var svg strings.Builder
	if err := code.WriteAsSVG(qr.NewQrCodeImgConfig(1, 4, qr.WithOptimalSVG()), &svg); err != nil {
		return fmt.Errorf("drawing a QR code: %w", err)
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	fmt.Fprint(w, svg.String())
	return nil
}

func (s *Server) guideURL() string { return s.PublicURL.JoinPath(GuidePath).String() }
