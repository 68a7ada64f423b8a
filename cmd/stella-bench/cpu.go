package main

import (
	"syscall"
	"time"
)

// cpu is the CPU time that was used so far.
type cpu struct{ program, postgres, driver time.Duration }

func (c cpu) minus(before cpu) cpu {
	return cpu{c.program - before.program, c.postgres - before.postgres, c.driver - before.driver}
}

// cpu returns the CPU time of the program, of all processes of PostgreSQL, and of the
// driver with the identity provider and the relay.
func (s *subject) cpu() cpu {
	c := cpu{program: cpuOf(s.pid), postgres: cpuOfTree(s.postgres), driver: ownCPU()}
	for _, part := range []*child{s.provider, s.world.relay} {
		if part != nil {
			c.driver += cpuOf(part.pid())
		}
	}
	return c
}

// ownCPU returns the CPU time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
