import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder under the system's temporary one that is gone when it is disposed of, or when this process ends. */
export class TemporaryFolder implements Disposable {
  readonly path: string
  readonly #remove: () => void

  /** `owner` owns it; nobody else looks into it. */
  constructor(name: string, owner: { readonly uid?: number; readonly gid?: number } = {}) {
    this.path = mkdtempSync(join(tmpdir(), `rollcall-bench-${name}-`))
    if (owner.uid !== undefined && owner.gid !== undefined) chownSync(this.path, owner.uid, owner.gid)
    this.#remove = () => rmSync(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    process.once('exit', this.#remove)
  }

  [Symbol.dispose](): void {
    process.removeListener('exit', this.#remove)
    this.#remove()
  }
}
