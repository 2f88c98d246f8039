import { readFile } from 'node:fs/promises'
import { formatIsimState, InvalidIsimStateError, type IsimState, newIsimState, parseIsimState } from '@rollcall/aka'
import { IsimFileError } from './errors.ts'
import { writePrivateFile } from './private-file.ts'

/** Where an ISIM keeps the SQNs it has accepted. */
export interface IsimStore {
  /** The state saved last; that of an ISIM which has seen no challenge when there is none. */
  load(): Promise<IsimState>
  /** Resolves when the state would outlive a power cut. */
  save(state: IsimState): Promise<void>
}

/**
 * Keeps the state in a file. Two processes must not use one file at once: they could not anyway, since a UE's address is
 * taken by the first.
 */
export function fileIsimStore(file: string): IsimStore {
  return {
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
  return {
    load: async () => kept,
    save: async (state) => {
      kept = state
    },
  }
}
