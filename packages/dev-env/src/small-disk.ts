import { mkdir } from 'node:fs/promises'
import { runTool } from './run-tool.ts'

const TOOL_MS_MAX = 30_000

/** A file system of its own for a test, of which the test knows the size. */
export class SmallDisk implements AsyncDisposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Mounts one in memory at `folder`, or says why that cannot be had here: it needs root, and a kernel that lets it mount. */
  static async mount(folder: string, megabytes: number): Promise<SmallDisk | string> {
    await mkdir(folder, { recursive: true })
    const args = ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', folder]
    const said = await runTool('mount', args, { timeoutMs: TOOL_MS_MAX })
    return said.ok ? new SmallDisk(folder) : `no file system can be mounted here: ${said.reason}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runTool('umount', [this.folder], { timeoutMs: TOOL_MS_MAX })
  }
}
