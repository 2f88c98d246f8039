import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const BLOCK = /^(\d+)\.blk$/

/**
 * Removes from a data folder what makes an encrypting nats-server lose a whole stream, and gives the files that it removed.
 * Call it before each start of a nats-server, never while one runs.
 *
 * nats-server makes each block of a stream as an empty file first and writes its key second. Killed in between, every 8 MB of
 * writes for a millisecond or two, it takes the empty block for a broken stream at its next start and deletes the stream's
 * folder, with everything in it (2.15.1 and 2.15.2: `convertToEncrypted` refuses an empty block, and `addStreamWithAssignment`
 * answers any failure to recover by removing the store). An empty block holds nothing: without it all is there.
 */
export async function repairDataFolder(storeDir: string): Promise<string[]> {
  const removed: string[] = []
  for (const file of await filesIn(storeDir)) {
    const index = BLOCK.exec(basename(file))?.[1]
    const folder = dirname(file)
    if (index === undefined || basename(folder) !== 'msgs') continue
    if ((await stat(file)).size > 0 || (await isThere(join(folder, `${index}.key`)))) continue
    if (!(await isThere(join(dirname(folder), 'meta.key')))) continue
    // guard: empty-block — for an empty block without its key nats-server deletes the whole stream
    await rm(file)
    removed.push(file)
  }
  return removed
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch {
    return false
  }
}
