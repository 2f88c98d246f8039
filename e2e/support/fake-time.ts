import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where Debian's libfaketime has it, by architecture. */
const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (architecture) => `/usr/lib/${architecture}/faketime/libfaketimeMT.so.1`,
)

/** Why the wall clocks of processes cannot be set here; undefined when they can. */
export function fakeTimeImpossible(): string | undefined {
  return libraryFile() === undefined ? 'libfaketime is not installed (apt-get install libfaketime)' : undefined
}

function libraryFile(): string | undefined {
  return LIBRARIES.find((file) => existsSync(file))
}

/** The wall clock of one process, which a test sets while it runs. Its monotonic clock is left as it is. */
export class FakeClock {
  readonly #file: string

  constructor(folder: string, process: string) {
    this.#file = join(folder, `rollcall-clock-${process}`)
    this.set(0)
  }

  /** What makes a process go by this clock. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: libraryFile() ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** From now on the clock is so much ahead of the machine's. */
  set(aheadSeconds: number): void {
    writeFileSync(this.#file, `${aheadSeconds < 0 ? '-' : '+'}${Math.abs(aheadSeconds)}\n`)
  }
}
