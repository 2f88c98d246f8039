import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

/** Workspaces of this repository, as npm links them. */
const SCOPE = '@rollcall'

/**
 * A copy of the tree's sources in which guards can be taken out. What is installed is linked, but for the workspaces: those
 * lead into the copy, or the tests would load the code of the original.
 */
export class TreeCopy implements Disposable {
  readonly root: string

  /** @param files what to copy, from `original`. */
  constructor(original: string, files: readonly string[]) {
    this.root = mkdtempSync(join(tmpdir(), 'rollcall-guards-'))
    for (const file of files) cpSync(join(original, file), join(this.root, file), { recursive: true })
    this.#linkModules(original)
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8')
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.root, file), text)
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }

  #linkModules(original: string): void {
    const installed = join(original, 'node_modules')
    const modules = join(this.root, 'node_modules')
    mkdirSync(join(modules, SCOPE), { recursive: true })
    for (const name of readdirSync(installed)) {
      if (name !== SCOPE) symlinkSync(join(installed, name), join(modules, name))
    }
    const top = realpathSync(original)
    for (const name of readdirSync(join(installed, SCOPE))) {
      const workspace = relative(top, realpathSync(join(installed, SCOPE, name)))
      const link = join(modules, SCOPE, name)
      symlinkSync(relative(dirname(link), join(this.root, workspace)), link)
    }
  }
}
