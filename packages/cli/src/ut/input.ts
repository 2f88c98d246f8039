import { readFile } from 'node:fs/promises'
import { InputFileError } from '../errors.ts'

/** No document that a server takes is longer. */
const BYTES_MAX = 1_048_576

/** Reads a file, or standard input for `-`. @throws InputFileError */
export async function readInput(file: string): Promise<Buffer> {
  try {
    if (file !== '-') return await readFile(file)
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > BYTES_MAX) throw new InputFileError('standard input', [`has over ${BYTES_MAX} octets`])
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (cause) {
    if (cause instanceof InputFileError) throw cause
    throw new InputFileError(file, [`cannot be read (${(cause as NodeJS.ErrnoException).code})`], { cause })
  }
}
