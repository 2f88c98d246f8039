import { open, readFile, rm, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { formatIsimState, InvalidIsimStateError, type IsimState, newIsimState, parseIsimState } from '@rollcall/aka'
import { IsimBusyError, IsimFileError } from './errors.ts'
import { writePrivateFile } from './private-file.ts'
import { SerialQueue } from './serial-queue.ts'

/** Where an ISIM keeps the SQNs it has accepted. */
export interface IsimStore {
  /** The state saved last; that of an ISIM which has seen no challenge when there is none. */
  load(): Promise<IsimState>
  /** Resolves when the state would outlive a power cut. */
  save(state: IsimState): Promise<void>
  /** Runs `work`, from load to save, while nobody else has the ISIM: IMS registration and GBA share it. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
}

/** Who has an ISIM has it for milliseconds: a file is read, and one is synced. */
const BUSY_MS_MAX = 5_000
/** A lock this old is one that its process took to the grave. */
const LOCK_MS_MAX = 10_000
const LOCK_POLL_MS = 10

/**
 * Keeps the state in a file. Several processes may use it, one at a time: `FILE.lock` is there while one has it.
 */
export function fileIsimStore(file: string): IsimStore {
  return {
    exclusively: (work) => withLockFile(file, work),
    async load() {
      let text: string
      try {
        text = await readFile(file, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return newIsimState()
        throw error
      }
      try {
        return parseIsimState(JSON.parse(text))
      } catch (cause) {
        if (cause instanceof InvalidIsimStateError || cause instanceof SyntaxError) {
          throw new IsimFileError(file, { cause })
        }
        throw cause
      }
    },
    save: (state) => writePrivateFile(file, `${JSON.stringify(formatIsimState(state))}\n`),
  }
}

/** Keeps the state for the life of the process: for tests. */
export function memoryIsimStore(): IsimStore {
  let kept = newIsimState()
  const serial = new SerialQueue()
  return {
    exclusively: (work) => serial.run(work),
    load: async () => kept,
    save: async (state) => {
      kept = state
    },
  }
}

/** @throws IsimBusyError when another process does not give it back in time. */
async function withLockFile<T>(file: string, work: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`
  const deadlineMs = performance.now() + BUSY_MS_MAX
  while (!(await takeLock(lock))) {
    if (performance.now() > deadlineMs) throw new IsimBusyError(file)
    await delay(LOCK_POLL_MS)
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx')).close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const since = await stat(lock).catch(() => undefined)
    if (since !== undefined && Date.now() - since.mtimeMs > LOCK_MS_MAX) await rm(lock, { force: true })
    return false
  }
}
