// Command load is the benchmark's load generator; it speaks to any OCI registry and needs only Go's
// standard library.
//
//	load push|pull|verify|seed|get [flags]
//	load run -out FILE COMMAND...
//
// push and pull move images of one layer (any size: layers are generated and drained as streams),
// verify pulls and checks every digest, seed makes repositories full of tags, get repeats one path.
// run starts another program, for its time and memory.
// It prints one JSON line, with the server's CPU seconds and peak memory when -pid is given.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	base     = flag.String("url", "http://127.0.0.1:5000", "registry")
	user     = flag.String("user", "", "user:password")
	pid      = flag.Int("pid", 0, "server process, for its CPU time and memory")
	clients  = flag.Int("c", 10, "clients at once")
	count    = flag.Int("n", 100, "operations")
	images   = flag.Int("images", 0, "images to pull from, again and again (default: as many as operations)")
	size     = flag.Int64("size", 1<<20, "bytes of a layer")
	seed     = flag.Int64("seed", 1, "content of the layers: another seed, other digests")
	repo     = flag.String("repo", "load", "prefix of the repositories")
	repos    = flag.Int("repos", 10, "repositories to spread images over")
	tags     = flag.Int("tags", 1, "tags of a repository (seed)")
	path     = flag.String("path", "/v2/", "path (get)")
	chunked  = flag.Bool("patch", false, "push as Docker does: POST, PATCH, PUT")
	slow     = flag.Int("slow", 0, "how many of the clients are slow")
	duration = flag.Float64("seconds", 0, "go on for so long, however many operations that are")
	out      = flag.String("out", os.DevNull, "file for what the command prints (run)")
	slowRate = flag.Int64("rate", 8<<20, "bytes a second of a slow client")
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "run" {
		flag.CommandLine.Parse(os.Args[2:])
		runCommand()
	}
	operations := map[string]func(i int) error{
		"push": pushImage, "pull": pullImage, "verify": verifyImage, "seed": seedRepository, "get": getPath,
	}
	var operation func(int) error
	if len(os.Args) > 1 {
		operation = operations[os.Args[1]]
	}
	if operation == nil {
		fmt.Fprintln(os.Stderr, "usage: load push|pull|verify|seed|get [flags], load run -out FILE COMMAND...")
		os.Exit(2)
	}
	flag.CommandLine.Parse(os.Args[2:])
	if *duration > 0 {
		*count = math.MaxInt32
	}
	if *images == 0 {
		*images = *count
	}
	if os.Args[1] == "push" {
		prepareLayers(*seed, *size) // before the clock starts: hashing 1 GiB takes seconds
	}
	result := measure(operation)
	result["op"] = os.Args[1]
	line, _ := json.Marshal(result)
	fmt.Println(string(line))
	if result["errors"].(int) > 0 {
		os.Exit(1)
	}
}

// measure runs the operation -n times, or for -seconds, on -c clients and describes how it went.
func measure(operation func(int) error) map[string]any {
	var next atomic.Int64
	var lock sync.Mutex
	var latencies []float64
	var failures []string
	var all sync.WaitGroup
	cpuBefore, start := cpuSeconds(), time.Now()
	for c := 0; c < *clients; c++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := int(next.Add(1)) - 1; i < *count; i = int(next.Add(1)) - 1 {
				begin := time.Now()
				if *duration > 0 && begin.Sub(start).Seconds() > *duration {
					return
				}
				err := operation(i)
				took := time.Since(begin)
				lock.Lock()
				latencies = append(latencies, float64(took.Microseconds())/1000)
				if err != nil {
					failures = append(failures, err.Error())
				}
				lock.Unlock()
			}
		}()
	}
	all.Wait()
	seconds := time.Since(start).Seconds()
	sort.Float64s(latencies)
	quantile := func(q float64) float64 {
		if len(latencies) == 0 {
			return 0
		}
		return latencies[int(q*float64(len(latencies)-1))]
	}
	result := map[string]any{
		"n": len(latencies), "c": *clients, "seconds": seconds, "rate": float64(len(latencies)) / seconds,
		"p50ms": quantile(.5), "p99ms": quantile(.99), "MBps": float64(moved.Load()) / seconds / 1e6,
		"errors": len(failures), "cpu": cpuSeconds() - cpuBefore, "peakMB": peakMegabytes(),
	}
	if len(failures) > 0 {
		result["first"] = failures[0]
	}
	return result
}

// cpuSeconds is the user and system time the server has used, in ticks of 10 ms.
func cpuSeconds() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", *pid))
	if err != nil {
		return 0
	}
	afterName := string(b[strings.LastIndexByte(string(b), ')')+1:]) // the name may hold spaces
	fields := strings.Fields(afterName)
	userTicks, _ := strconv.ParseFloat(fields[11], 64)
	systemTicks, _ := strconv.ParseFloat(fields[12], 64)
	return (userTicks + systemTicks) / 100
}

// peakMegabytes is the most memory that was ever resident in the server (VmHWM).
func peakMegabytes() int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", *pid))
	for _, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			kilobytes, _ := strconv.Atoi(strings.Fields(line)[1])
			return kilobytes * 1024 / 1000000
		}
	}
	return 0
}
