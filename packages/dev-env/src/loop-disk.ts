import { mkdir, open, rename, rm } from 'node:fs/promises'
import { runTool } from './run-tool.ts'

const TOOL_MS_MAX = 60_000

/**
 * An ext4 file system in a file, of which the power can be cut: the file holds just what was flushed to the "disk" so far. It
 * models that all else is gone; not torn sectors, nor a disk that lies about its flushes.
 */
export class LoopDisk implements AsyncDisposable {
  readonly folder: string
  readonly #image: string

  private constructor(folder: string, image: string) {
    this.folder = folder
    this.#image = image
  }

  /** Makes one and mounts it at `folder`, or says why that cannot be had here: it needs root and loop devices. */
  static async mount(folder: string, image: string, megabytes: number): Promise<LoopDisk | string> {
    await mkdir(folder, { recursive: true })
    const handle = await open(image, 'w', 0o600)
    await handle.truncate(megabytes * 1024 * 1024)
    await handle.close()
    const disk = new LoopDisk(folder, image)
    const made = await runTool('mkfs.ext4', ['-q', '-F', image], { timeoutMs: TOOL_MS_MAX })
    const problem = made.ok ? await disk.#mountImage() : made.reason
    return problem === undefined ? disk : `no loop device can be mounted here: ${problem}`
  }

  /**
   * Cuts the power and gives it back: everything that was not flushed is gone. `kill` ends whoever uses the disk, at the moment
   * of the cut or after it; nothing that it does in between is kept.
   */
  async cutPower(kill: () => Promise<void>): Promise<void> {
    const flushed = `${this.#image}.flushed`
    await must('cp', ['--sparse=always', this.#image, flushed])
    await kill()
    await must('umount', [this.folder])
    await rename(flushed, this.#image)
    const problem = await this.#mountImage()
    if (problem !== undefined) throw new Error(`the disk does not come back: ${problem}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runTool('umount', [this.folder], { timeoutMs: TOOL_MS_MAX })
    await rm(this.#image, { force: true })
  }

  async #mountImage(): Promise<string | undefined> {
    const said = await runTool('mount', ['-o', 'loop', this.#image, this.folder], { timeoutMs: TOOL_MS_MAX })
    return said.ok ? undefined : said.reason
  }
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const said = await runTool(program, args, { timeoutMs: TOOL_MS_MAX })
  if (!said.ok) throw new Error(`${program}: ${said.reason}`)
}
