// What Go's context package costs: its own nine benchmarks, in our words, and a request. One line of JSON a row, as the Rust
// side prints them; run.sh runs both in turns.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// How long one slice of a row works, and how many slices there are.
const (
	slice  = 5 * time.Millisecond
	rounds = 5
)

func main() {
	commonParentCancel()
	withTimeout()
	cancelTree()
	checkCanceled()
	deepValue()
	request()
}

// row measures work, which does what it does times times, and prints the median of the slices.
func row(work string, do func(times int)) {
	times := 1
	for {
		start := time.Now()
		do(times)
		if took := time.Since(start); took >= slice/2 || times >= 1<<30 {
			times = max(1, int(float64(times)*float64(slice)/float64(took)))
			break
		}
		times *= 2
	}
	var seen []float64
	for range rounds {
		start := time.Now()
		do(times)
		seen = append(seen, float64(time.Since(start).Nanoseconds())/float64(times))
	}
	slices.Sort(seen)
	line, _ := json.Marshal(map[string]any{"work": work, "ns": seen[len(seen)/2]})
	fmt.Println(string(line))
}

func check(holds bool, what string) {
	if !holds {
		panic(what)
	}
}

type key int

func commonParentCancel() {
	root := context.WithValue(context.Background(), key(0), 7)
	shared, end := context.WithCancel(root)
	defer end()
	row("CommonParentCancel", func(times int) {
		for range times {
			ctx, cancel := context.WithCancel(shared)
			check(ctx.Value(key(0)).(int) == 7, "the value is found")
			cancel()
		}
	})
}

func withTimeout() {
	root := context.Background()
	for live := 40; live <= 400_000; live *= 100 {
		ends := make([]context.CancelFunc, live)
		for i := range ends {
			_, ends[i] = context.WithTimeout(root, time.Hour)
		}
		row(fmt.Sprintf("WithTimeout, ten, %d live", live), func(times int) {
			ten := make([]context.CancelFunc, 10)
			for range times {
				for i := range ten {
					_, ten[i] = context.WithTimeout(root, time.Hour)
				}
				for _, cancel := range ten {
					cancel()
				}
			}
		})
		for _, end := range ends {
			end()
		}
	}
}

func chain(ctx context.Context, depth int) context.Context {
	for range depth {
		ctx, _ = context.WithCancel(ctx)
	}
	return ctx
}

func cancelTree() {
	for _, depth := range []int{1, 10, 100, 1000} {
		row(fmt.Sprintf("CancelTree, depth %d, background", depth), func(times int) {
			for range times {
				check(chain(context.Background(), depth).Err() == nil, "a chain below the background is live")
			}
		})
		row(fmt.Sprintf("CancelTree, depth %d, open root", depth), func(times int) {
			for range times {
				ctx, cancel := context.WithCancel(context.Background())
				leaf := chain(ctx, depth)
				cancel()
				check(leaf.Err() != nil, "the leaf is done with its root")
			}
		})
		row(fmt.Sprintf("CancelTree, depth %d, closed root", depth), func(times int) {
			for range times {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				check(chain(ctx, depth).Err() != nil, "what is below a closed root is done")
			}
		})
	}
}

func isDone(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

func checkCanceled() {
	live, end := context.WithCancel(context.Background())
	defer end()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	row("CheckCanceled, Err", func(times int) { seesErr(ended, times, times) })
	row("CheckCanceled, Done", func(times int) { seesDone(ended, times, times) })
	row("ContextCancelDone", func(times int) { seesDone(live, times, 0) })
	row("ErrOK", func(times int) { seesErr(live, times, 0) })
	row("ErrCanceled", func(times int) { seesErr(ended, times, times) })
}

func seesErr(ctx context.Context, times, expected int) {
	seen := 0
	for range times {
		if ctx.Err() != nil {
			seen++
		}
	}
	check(seen == expected, "every Err is the same")
}

func seesDone(ctx context.Context, times, expected int) {
	seen := 0
	for range times {
		if isDone(ctx) {
			seen++
		}
	}
	check(seen == expected, "every Done is the same")
}

func deepValue() {
	for _, depth := range []int{10, 20, 30, 50, 100} {
		ctx := context.Background()
		for i := range depth {
			ctx = context.WithValue(ctx, key(i), i)
		}
		check(ctx.Value(key(depth/2)) == depth/2, "a value is found")
		row(fmt.Sprintf("DeepValueSameGoRoutine, depth %d", depth), func(times int) {
			for range times {
				check(ctx.Value(key(-1)) == nil, "the value is absent")
			}
		})
		row(fmt.Sprintf("DeepValueNewGoRoutine, depth %d", depth), func(times int) {
			for range times {
				absent := make(chan bool)
				go func() { absent <- ctx.Value(key(-1)) == nil }()
				check(<-absent, "the value is absent")
			}
		})
	}
}

// A request: a timeout and two values, three children that are canceled, thirty checks and six lookups.
func request() {
	server, end := context.WithCancel(context.Background())
	defer end()
	row("a request", func(times int) {
		for range times {
			ctx, cancel := context.WithTimeout(server, time.Hour)
			ctx = context.WithValue(ctx, key(1), 1)
			ctx = context.WithValue(ctx, key(2), 2)
			sum := 0
			for range 3 {
				child, cancelChild := context.WithCancel(ctx)
				for range 10 {
					if child.Err() != nil {
						sum = -100
					}
				}
				sum += child.Value(key(1)).(int) + child.Value(key(2)).(int)
				cancelChild()
			}
			cancel()
			check(sum == 9 && ctx.Err() != nil, "the request went well and ended")
		}
	})
}
