package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/cmd/stella-bench/floor"
	"stella/store/localpg"
	"stella/store/storetest"
)

// narrow is a table for \copy with the columns of the file and a key. That of
// floor.ImportTable has every index and check of mailboxes and their records.
const narrow = `
	create table narrow (
		id bigint generated always as identity primary key, address text not null unique, kind text not null, name text not null,
		fiscal_code text not null, representatives text not null, email text not null, status text not null);`

// BenchmarkImport compares the import of a file of b.N mailboxes with a \copy of the
// same file, on the private PostgreSQL:
//
//	go test ./cmd/stella -run '^$' -bench Import -benchtime 1000000x -timeout 1h
func BenchmarkImport(b *testing.B) {
	dir, err := os.MkdirTemp("", "stella-bench-")
	storetest.Must(b, err)
	defer os.RemoveAll(dir)
	storetest.Must(b, os.Chmod(dir, 0o755)) // PostgreSQL does not run as root
	cluster, err := localpg.Start(b.Context(), localpg.Options{Dir: dir})
	storetest.Must(b, err)
	defer cluster.Stop()
	file := filepath.Join(dir, "mailboxes.csv")
	storetest.Must(b, writeMailboxes(file, b.N, "active"))
	conn, err := pgx.Connect(b.Context(), cluster.URL("postgres"))
	storetest.Must(b, err)
	defer conn.Close(b.Context())
	_, err = conn.Exec(b.Context(), narrow+floor.ImportTable)
	storetest.Must(b, err)

	run := func(c *exec.Cmd) time.Duration {
		b.Helper()
		begun := time.Now()
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		return time.Since(begun)
	}
	copyTo := func(table string) time.Duration {
		return run(exec.CommandContext(b.Context(), "psql", cluster.URL("postgres"), "-c",
			`\copy `+table+` (address,kind,name,fiscal_code,representatives,email,status) from `+file+
				` csv header force not null name,fiscal_code,representatives,email`))
	}
	var memory int64
	stella := func(args ...string) time.Duration {
		c := program(b, []string{"STELLA_DIR=" + dir}, args...)
		took := run(c)
		memory = max(memory, c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
		return took
	}
	stella("migrate")
	few, indexed := copyTo("narrow"), copyTo("mailbox_rows")
	first := stella("mailbox", "import", file)
	again := stella("mailbox", "import", file)
	storetest.Must(b, writeMailboxes(file, b.N, "expired"))
	changed := stella("mailbox", "import", file)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(few.Seconds(), "s-narrow-copy")
	b.ReportMetric(indexed.Seconds(), "s-indexed-copy")
	b.ReportMetric(first.Seconds(), "s-import")
	b.ReportMetric(again.Seconds(), "s-unchanged")
	b.ReportMetric(changed.Seconds(), "s-changed")
	b.ReportMetric(first.Seconds()/indexed.Seconds(), "import/copy")
	b.ReportMetric(again.Seconds()/first.Seconds(), "unchanged/import")
	b.ReportMetric(float64(memory)/1024, "MB")
}

// writeMailboxes writes a file of n different mailboxes of people and companies.
func writeMailboxes(name string, n int, status string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) // psql reads it too
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprint(w, header)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		address := fmt.Sprintf("casella%x.%d@pec.example", random.Uint32(), i)
		if i%2 == 0 {
			fmt.Fprintf(w, "%s,person,Nicolò D'Angelo,%s,,persona%d@mail.example,%s\n", address, storetest.Anna, i, status)
		} else {
			fmt.Fprintf(w, "%s,company,\"Bianchi & figli, S.r.l.\",%s,%s Luca Bianchi,info%d@impresa.example,%s\n", address,
				storetest.Bianchi, storetest.Luca, i, status)
		}
	}
	return w.Flush()
}
