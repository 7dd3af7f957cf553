"""Plays all scenarios, or those whose names have each of the words given. Fails when one failed or none was played."""

import sys
import time

import demo
import harness
import scenarios  # noqa: F401 (importing registers them)


def main(words):
    began = time.monotonic()
    picked = [one for one in harness.SCENARIOS if all(word.lower() in one.name.lower() for word in words)]
    try:
        results = []
        for one in picked:
            passed = harness.play(one)
            results.append((one.name, passed))
            if not passed:
                demo.forget_shared()
        demo.finish_shared()
    finally:
        harness.stop_all()
    failed = [name for name, passed in results if not passed]
    print(f"\ninterop: {len(results) - len(failed)} scenarios passed, {len(failed)} failed, in {time.monotonic() - began:.0f} s")
    for name in failed:
        print(f"failed: {name}")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
