import type { Impu } from '@rollcall/core'
import type { ListLookup } from './list-lookup.ts'
import { internPermissions, type Permissions } from './permissions.ts'
import type { DecisionContext } from './presence-policy.ts'
import type { Condition, ConditionKind, IdentityAlternative, Many, Period, Rule } from './rule.ts'
import { sphereKey } from './sphere.ts'
import type { Subject } from './subject.ts'

/**
 * How a rule reaches a watcher: it names him (by identity, list, or as anonymous); he is one of many; it is about all
 * whom no other rule reaches; it is about nobody in particular; or a list that it names is not there, and so nobody
 * knows. Absent: it does not reach him.
 */
export type Reach = 'named' | 'many' | 'others' | 'everybody' | 'unknown'

/** A rule made ready: what it says about who in sets, what it says about when as it is. */
export class CompiledRule {
  readonly rule: Rule
  readonly who: readonly WhoCondition[]
  readonly #periods: readonly (readonly Period[])[]
  readonly #spheres: readonly ReadonlySet<string>[]
  readonly #neverApplies: boolean
  #permissions: Permissions | undefined

  constructor(rule: Rule) {
    const { conditions } = rule
    this.rule = rule
    this.who = conditions.flatMap(whoConditionOf)
    this.#periods = conditions.flatMap((condition) => (condition.kind === 'validity' ? [condition.periods] : []))
    this.#spheres = conditions.flatMap((condition) => (condition.kind === 'sphere' ? [condition.values] : []))
    this.#neverApplies = conditions.some(({ kind }) => kind === 'unknown')
  }

  /** What it provides. */
  get permissions(): Permissions {
    this.#permissions ??= internPermissions(this.rule.provides)
    return this.#permissions
  }

  get usesSphere(): boolean {
    return this.#spheres.length > 0
  }

  /** Whether the rule is about this watcher, whenever it holds. All its conditions about who must be true. */
  reach(subject: Subject, lists: ListLookup): Reach | undefined {
    let reach: Reach = 'everybody'
    for (const condition of this.who) {
      const one = reachOf(condition, subject, lists)
      // guard: policy-all-conditions — one condition that is false is enough (RFC 4745 section 7)
      if (one === undefined) return undefined
      if (RANK[one] > RANK[reach]) reach = one
    }
    return reach
  }

  /** Whether it holds now, for those whom it reaches. */
  holds({ nowMs, sphere }: DecisionContext): boolean {
    return this.failing({ nowMs, sphere }) === undefined
  }

  /** The condition about now that does not hold. */
  failing({ nowMs, sphere }: DecisionContext): ConditionKind | undefined {
    for (const periods of this.#periods) {
      // guard: policy-validity — outside of all its periods a rule gives nothing (RFC 4745 section 7.4)
      if (!periods.some(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs)) return 'validity'
    }
    for (const values of this.#spheres) {
      // guard: policy-sphere — an unknown sphere is none of the rules' (RFC 5025 section 3.1.2)
      if (sphere === undefined || !values.has(sphereKey(sphere))) return 'sphere'
    }
    // guard: policy-unknown-holds — what is not understood is false (RFC 4745 section 6.2)
    return this.#neverApplies ? 'unknown' : undefined
  }

  /** When one of its periods begins or ends next. */
  nextChangeMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const periods of this.#periods) {
      for (const { fromMs, untilMs } of periods) {
        if (fromMs > nowMs && fromMs < next) next = fromMs
        if (untilMs > nowMs && untilMs < next) next = untilMs
      }
    }
    return next
  }
}

/** Of several conditions about who in one rule, the one that says most about how sure the rule is decides. */
const RANK: Readonly<Record<Reach, number>> = { everybody: 0, many: 1, named: 2, others: 3, unknown: 4 }

/** A condition about who asks, made ready. */
export type WhoCondition =
  | {
      readonly kind: 'identity'
      readonly ones: ReadonlySet<string>
      readonly manyByDomain: ReadonlyMap<string, readonly Many[]>
      readonly manyOfAll: readonly Many[]
    }
  | Extract<Condition, { readonly kind: 'anonymous-request' | 'other-identity' | 'external-list' }>

function whoConditionOf(condition: Condition): WhoCondition[] {
  switch (condition.kind) {
    case 'identity':
      return [identityCondition(condition.alternatives)]
    case 'anonymous-request':
    case 'other-identity':
    case 'external-list':
      return [condition]
    case 'sphere':
    case 'validity':
    case 'unknown':
      return []
  }
}

function identityCondition(alternatives: readonly IdentityAlternative[]): WhoCondition {
  const ones = new Set<string>()
  const manyByDomain = new Map<string, Many[]>()
  const manyOfAll: Many[] = []
  for (const alternative of alternatives) {
    if (alternative.kind === 'one') ones.add(alternative.id)
    else if (alternative.domain === undefined) manyOfAll.push(alternative)
    else manyByDomain.set(alternative.domain, [...(manyByDomain.get(alternative.domain) ?? []), alternative])
  }
  return { kind: 'identity', ones, manyByDomain, manyOfAll }
}

function reachOf(condition: WhoCondition, subject: Subject, lists: ListLookup): Reach | undefined {
  const { identities, domains, isAnonymousRequest } = subject
  switch (condition.kind) {
    case 'anonymous-request':
      return isAnonymousRequest ? 'named' : undefined
    case 'other-identity':
      // guard: policy-others-named — the others are others by their names; who has none is none of them
      return identities.length > 0 ? 'others' : undefined
    case 'external-list':
      return reachOfList(condition.anchors, identities, lists)
    case 'identity': {
      if (identities.some((identity) => condition.ones.has(identity))) return 'named'
      const inDomain = domains.some((domain) =>
        condition.manyByDomain.get(domain)?.some((many) => !isExcepted(many, subject)),
      )
      if (inDomain) return 'many'
      // guard: policy-many-authenticated — many means many who are authenticated (RFC 4745 section 7.1)
      if (identities.length === 0) return undefined
      return condition.manyOfAll.some((many) => !isExcepted(many, subject)) ? 'many' : undefined
    }
  }
}

/** `Choice:` a watcher of several identities is excepted when one of them is. */
function isExcepted({ exceptIds, exceptDomains }: Many, { identities, domains }: Subject): boolean {
  // guard: policy-except-id — an exception holds whichever of his names the watcher comes by
  if (exceptIds.size > 0 && identities.some((identity) => exceptIds.has(identity))) return true
  // guard: policy-except-domain — likewise by domain
  return exceptDomains.size > 0 && domains.some((domain) => exceptDomains.has(domain))
}

function reachOfList(anchors: readonly string[], identities: readonly Impu[], lists: ListLookup): Reach | undefined {
  let isUnknown = false
  for (const anchor of anchors) {
    for (const identity of identities) {
      const isThere = lists.contains(anchor, identity)
      if (isThere) return 'named'
      if (isThere === undefined) isUnknown = true
    }
  }
  // guard: policy-list-unknown — a list that is not there lets nobody in, and lets no laxer rule in its place
  return isUnknown ? 'unknown' : undefined
}
