import { readFile, writeFile } from 'node:fs/promises'

/** Writes a file that only its owner may read, unless it is there, and gives what is in it. */
export async function writePrivateFile(file: string, content: string): Promise<Buffer> {
  try {
    await writeFile(file, content, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return await readFile(file)
}
