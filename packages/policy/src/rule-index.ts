import type { CompiledRule } from './compiled-rule.ts'
import type { Subject } from './subject.ts'

/**
 * Finds the rules that may be about a watcher without looking at the others: by hash for `one` and for domains. A rule
 * found here is still to be asked; one that is not found cannot be about him.
 */
export class RuleIndex {
  readonly #byIdentity = new Map<string, number[]>()
  readonly #byDomain = new Map<string, number[]>()
  /** About watchers with an identity, whichever. */
  readonly #named: number[] = []
  readonly #anonymous: number[] = []
  /** No condition about who. */
  readonly #everybody: number[] = []

  constructor(rules: readonly CompiledRule[]) {
    for (const [index, rule] of rules.entries()) this.#add(rule, index)
  }

  /** Indices of the rules, in order, each once. */
  candidates({ identities, domains, isAnonymousRequest }: Subject): readonly number[] {
    if (identities.length === 0)
      return isAnonymousRequest ? ordered([this.#everybody, this.#anonymous]) : this.#everybody
    const found: (readonly number[] | undefined)[] = [this.#everybody, this.#named]
    for (const identity of identities) found.push(this.#byIdentity.get(identity))
    for (const domain of domains) found.push(this.#byDomain.get(domain))
    return ordered(found)
  }

  /** Files a rule under its first condition about who: the others only narrow it. */
  #add({ who: [first] }: CompiledRule, index: number): void {
    switch (first?.kind) {
      case undefined:
        this.#everybody.push(index)
        return
      case 'anonymous-request':
        this.#anonymous.push(index)
        return
      case 'other-identity':
      case 'external-list':
        this.#named.push(index)
        return
      case 'identity':
        for (const id of first.ones) push(this.#byIdentity, id, index)
        for (const domain of first.manyByDomain.keys()) push(this.#byDomain, domain, index)
        if (first.manyOfAll.length > 0) this.#named.push(index)
    }
  }
}

function push(map: Map<string, number[]>, key: string, index: number): void {
  const indices = map.get(key)
  if (indices) indices.push(index)
  else map.set(key, [index])
}

/** One list out of several ascending ones. */
function ordered(lists: readonly (readonly number[] | undefined)[]): readonly number[] {
  const full = lists.filter((list) => list !== undefined && list.length > 0)
  if (full.length <= 1) return full[0] ?? []
  return [...new Set(full.flatMap((list) => list ?? []))].sort((a, b) => a - b)
}
