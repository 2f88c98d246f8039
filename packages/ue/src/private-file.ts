import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** For its owner alone. */
const FILE_MODE = 0o600

/**
 * Replaces a file whole or not at all, for its owner's eyes alone: written beside it, synced to disk, renamed, and the
 * folder synced, so that it outlives a power cut once this resolves.
 */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`
  const handle = await open(fresh, 'w', FILE_MODE)
  try {
    // The mode given to `open` counts only when it creates the file.
    await handle.chmod(FILE_MODE)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(fresh, file)
  const folder = await open(dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
