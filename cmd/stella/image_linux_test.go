package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// imageUser is the user ID in the image.
const imageUser = 65532

// image is an unpacked image.
type image struct {
	t      *testing.T
	root   string
	Config struct {
		User       string
		Env        []string
		Entrypoint []string
		Cmd        []string
		Labels     map[string]string
	}
}

// buildImage builds the image of this program twice, and unpacks it.
func buildImage(t *testing.T) *image {
	t.Helper()
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Fatal("buildah is not installed: scripts/setup test installs it")
	}
	// The files that scripts/image reads.
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile", ".dockerignore", "LICENSE", "scripts/image"} {
		text, err := os.ReadFile("../../" + name)
		storetest.Must(t, err)
		storetest.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		storetest.Must(t, os.WriteFile(filepath.Join(dir, name), text, 0o755))
	}
	run := func(name string, args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), name, args...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "SOURCE_DATE_EPOCH=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		return string(out)
	}
	makefile, err := os.ReadFile("../../Makefile")
	storetest.Must(t, err)
	const stamp = "-X main.stamped="
	if !strings.Contains(string(makefile), stamp) {
		t.Errorf("the Makefile does not contain %s", stamp)
	}
	flags := stamp + "v9.8.7"
	for flag := range strings.FieldsSeq(os.Getenv("GOFLAGS")) { // "make test-later" sets the clock with -ldflags
		if others, ok := strings.CutPrefix(flag, "-ldflags="); ok {
			flags += " " + others
		}
	}
	run("go", "build", "-trimpath", "-ldflags", flags, "-o", dir+"/bin/stella", ".")
	digest := run(dir + "/scripts/image")
	if again := run(dir + "/scripts/image"); again != digest || !strings.Contains(digest, " sha256:") {
		t.Errorf("the first build prints %q, the second %q", digest, again)
	}
	archive := t.TempDir()
	run("tar", "-xf", dir+"/bin/stella.oci.tar", "-C", archive)
	return unpack(t, archive)
}

// unpack reads an OCI image layout.
func unpack(t *testing.T, dir string) *image {
	t.Helper()
	i := &image{t: t, root: t.TempDir()}
	read := func(path string, v any) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, path))
		storetest.Must(t, err)
		storetest.Must(t, json.Unmarshal(text, v))
	}
	type blob struct{ Digest string }
	path := func(b blob) string { return "blobs/" + strings.Replace(b.Digest, ":", "/", 1) }
	var index struct{ Manifests []blob }
	read("index.json", &index)
	var manifest struct {
		Config blob
		Layers []blob
	}
	read(path(index.Manifests[0]), &manifest)
	read(path(manifest.Config), i)
	for _, l := range manifest.Layers {
		layer, err := os.Open(filepath.Join(dir, path(l)))
		storetest.Must(t, err)
		defer layer.Close()
		unzipped, err := gzip.NewReader(layer)
		storetest.Must(t, err)
		for files := tar.NewReader(unzipped); ; {
			h, err := files.Next()
			if err == io.EOF {
				break
			}
			storetest.Must(t, err)
			i.add(h, files)
		}
	}
	return i
}

func (i *image) add(h *tar.Header, content io.Reader) {
	i.t.Helper()
	to := filepath.Join(i.root, h.Name)
	if h.Typeflag == tar.TypeDir {
		storetest.Must(i.t, os.MkdirAll(to, 0o755))
		return
	}
	if h.Uid != 0 || h.Mode&0o022 != 0 {
		i.t.Errorf("%s can be changed by another user than root: mode %o, owner %d", h.Name, h.Mode, h.Uid)
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, h.FileInfo().Mode().Perm())
	storetest.Must(i.t, err)
	defer f.Close()
	_, err = io.Copy(f, content)
	storetest.Must(i.t, err)
}

// command returns a command that runs the program as in a container: with the files,
// user and environment of the image, and the variables env.
func (i *image) command(env []string, args ...string) *exec.Cmd {
	c := exec.CommandContext(i.t.Context(), i.Config.Entrypoint[0], args...)
	c.Dir, c.Env = "/", append(append([]string{}, i.Config.Env...), env...)
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: i.root}
	if me := os.Getuid(); me == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: imageUser, Gid: imageUser}
	} else {
		c.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: imageUser, HostID: me, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: imageUser, HostID: os.Getgid(), Size: 1}}
	}
	return c
}

// mount copies the files that the variables name into the image, readable only by its
// user.
func (i *image) mount(env []string) {
	i.t.Helper()
	for _, variable := range env {
		_, from, _ := strings.Cut(variable, "=")
		if !filepath.IsAbs(from) {
			continue
		}
		to := filepath.Join(i.root, from)
		if info, err := os.Stat(from); err == nil && info.IsDir() {
			storetest.Must(i.t, os.CopyFS(to, os.DirFS(from)))
			continue
		}
		text, err := os.ReadFile(from)
		if err != nil {
			continue
		}
		storetest.Must(i.t, os.MkdirAll(filepath.Dir(to), 0o755))
		storetest.Must(i.t, os.WriteFile(to, text, 0o400))
		if os.Getuid() == 0 {
			storetest.Must(i.t, os.Chown(to, imageUser, imageUser))
		}
	}
}

// overTCP returns the URL of a test database for a process that cannot reach the
// PostgreSQL socket. A TCP proxy forwards the connections.
func overTCP(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	storetest.Must(t, err)
	socket := filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", socket)
			if err != nil {
				from.Close()
				continue
			}
			go func() { defer to.Close(); io.Copy(to, from) }()
			go func() { defer from.Close(); io.Copy(from, to) }()
		}
	}()
	u.Host, u.RawQuery = l.Addr().String(), "sslmode=disable"
	return u.String()
}

func TestImage(t *testing.T) {
	t.Parallel()
	i := buildImage(t)
	if i.Config.User != "65532:65532" || strings.Join(i.Config.Entrypoint, " ") != "/stella" || strings.Join(i.Config.Cmd, " ") != "serve" {
		t.Errorf("%+v", i.Config)
	}
	output := func(env []string, args ...string) string {
		out, _ := i.command(env, args...).CombinedOutput()
		return string(out)
	}
	if got := output(nil, "version"); got != "stella v9.8.7\n" || i.Config.Labels["org.opencontainers.image.version"] != "v9.8.7" {
		t.Errorf("version prints %q, the labels are %v", got, i.Config.Labels)
	}
	if got, err := os.ReadFile(i.root + "/NOTICES"); err != nil || string(got) != notices || output(nil, "licenses") != notices {
		t.Errorf("the notices are missing: %v", err)
	}
	if roots, err := os.ReadFile(i.root + "/etc/ssl/certs/ca-certificates.crt"); err != nil ||
		strings.Count(string(roots), "BEGIN CERTIFICATE") < 50 {
		t.Errorf("the certificates are missing: %v", err)
	}

	c := programtest.GoodConfig(t)
	i.mount(programtest.Environ(c))
	// The image contains no PostgreSQL. The message says what to do.
	if got := output(programtest.Environ(c), "serve"); !strings.Contains(got, "STELLA_DATABASE_URL") {
		t.Errorf("without a database it prints %q", got)
	}
	c.URL = overTCP(t, storetest.URL(t))
	env := append(programtest.Environ(c), "SSL_CERT_DIR=")
	service := startCommand(t, i.command(env, "serve"))
	service.waitReady()
	if status, page := service.get("/start/none"); status != 410 || !strings.Contains(page, "<html") {
		t.Errorf("the page's status is %d: %s", status, page)
	}
	service.interrupt()
}
