package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// runCommand runs the words after the flags to their end, prints what that took as one JSON line, and
// ends with their exit code. It is started from here, and not from the benchmark, because Linux counts the
// memory of whoever starts a process as the new one's own peak, and this program is small.
func runCommand() {
	words := flag.Args()
	output, err := os.Create(*out)
	if err != nil || len(words) == 0 {
		fmt.Fprintln(os.Stderr, "usage: load run -out FILE COMMAND...", err)
		os.Exit(2)
	}
	command := exec.Command(words[0], words[1:]...)
	command.Stdout, command.Stderr = output, os.Stderr
	begin := time.Now()
	if err := command.Run(); err != nil && command.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
	seconds := time.Since(begin).Seconds()
	state := command.ProcessState
	usage := state.SysUsage().(*syscall.Rusage)
	line, _ := json.Marshal(map[string]any{
		"op": "run", "seconds": seconds, "peakMB": float64(usage.Maxrss) * 1024 / 1e6,
		"cpu": (state.UserTime() + state.SystemTime()).Seconds(),
	})
	fmt.Println(string(line))
	os.Exit(state.ExitCode())
}
