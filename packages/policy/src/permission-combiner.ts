import { COMBINATIONS_MAX } from './limits.ts'
import { internPermissions, NOTHING_PERMITTED, type Permissions } from './permissions.ts'
import { combineProvisions } from './read-provisions.ts'

/** Combines permissions, two by two, and remembers the results: a document has few that differ. */
export class PermissionCombiner {
  readonly #pairs = new Map<Permissions, Map<Permissions, Permissions>>()
  #size = 0

  /** What two rules let a watcher see together (RFC 4745 section 10.2). */
  combine(a: Permissions, b: Permissions): Permissions {
    if (a === b || b === NOTHING_PERMITTED) return a
    if (a === NOTHING_PERMITTED) return b
    const known = this.#pairs.get(a)?.get(b)
    if (known) return known
    const combined = internPermissions(combineProvisions([a, b]))
    this.#remember(a, b, combined)
    return combined
  }

  #remember(a: Permissions, b: Permissions, combined: Permissions): void {
    if (this.#size >= COMBINATIONS_MAX) {
      this.#pairs.clear()
      this.#size = 0
    }
    const pairs = this.#pairs.get(a)
    if (pairs) pairs.set(b, combined)
    else this.#pairs.set(a, new Map([[b, combined]]))
    this.#size++
  }
}
