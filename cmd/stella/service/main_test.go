package service

import (
	"os"
	"testing"

	"stella/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }
