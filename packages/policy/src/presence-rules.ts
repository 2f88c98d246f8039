import type { CompiledRule, Reach } from './compiled-rule.ts'
import { RulesError } from './errors.ts'
import { RULES_MAX } from './limits.ts'
import { type ListLookup, NO_LISTS } from './list-lookup.ts'
import { PermissionCombiner } from './permission-combiner.ts'
import { NOTHING_PERMITTED } from './permissions.ts'
import type { DecisionContext, MatchedRule, PresencePolicy, RuleDecision } from './presence-policy.ts'
import { RuleIndex } from './rule-index.ts'
import { compileSource, type RulesDocument, type RulesSource } from './rules-source.ts'
import { greaterHandling, lesserHandling, type SubHandling } from './sub-handling.ts'
import { type Subject, subjectOf } from './subject.ts'
import type { WatcherIdentity } from './watcher-identity.ts'

/**
 * Makes one presentity's rules ready for decisions. Several documents, of `pres-rules` and of OMA's AUID, are one set of
 * rules. `lists` answers for `external-list`; without it no list is known. `previous`: what was made of the version before;
 * what did not change since is taken from there.
 *
 * @throws RulesError
 * @see RFC 5025 section 3; RFC 4745 section 10
 */
export function compileRules(
  documents: RulesDocument | readonly RulesDocument[],
  o: { readonly lists?: ListLookup; readonly previous?: PresenceRules | undefined } = {},
): PresenceRules {
  const all = isSeveral(documents) ? documents : [documents]
  const sources = all.map((document) => compileSource(document, o.previous?.sources ?? []))
  const count = sources.reduce((sum, { rules }) => sum + rules.length, 0)
  if (count > RULES_MAX) throw new RulesError('RULES_LIMIT', `more than ${RULES_MAX} rules`)
  return new PresenceRules(sources, o.lists ?? NO_LISTS)
}

function isSeveral(documents: RulesDocument | readonly RulesDocument[]): documents is readonly RulesDocument[] {
  return Array.isArray(documents)
}

/**
 * How a rule that reaches the watcher counts: in full; only so far as it waits for the presentity, since a list that
 * could name him is not there; or not at all, since one that names him comes first.
 */
export type Standing = 'counts' | 'confirms' | 'overruled'

/** A rule about the watcher which holds now. */
export interface Applying {
  /** Place of the rule among all. */
  readonly index: number
  readonly compiled: CompiledRule
  readonly reach: Exclude<Reach, 'unknown'>
  readonly standing: Standing
}

/** What was found about a watcher. */
interface Finding {
  readonly applying: readonly Applying[]
  readonly nextChangeMs: number
  readonly usesSphere: boolean
}

/**
 * One presentity's rules, compiled once a document. A decision is a pure function of watcher, context and lists.
 *
 * All rules that match combine (RFC 4745 section 10). `Choice:` when a document uses OMA's conditions, OMA's order holds
 * for all rules: those that name the watcher come before those about many, and these before `other-identity`. That gives
 * never more than combining all of them.
 */
export class PresenceRules implements PresencePolicy {
  readonly rules: readonly CompiledRule[]
  /** The rules by their documents. */
  readonly sources: readonly RulesSource[]
  readonly lists: ListLookup
  /** The lists that rules name, by their URIs. */
  readonly listAnchors: ReadonlySet<string>
  readonly #index: RuleIndex
  readonly #isOma: boolean
  readonly #combiner = new PermissionCombiner()

  constructor(sources: readonly RulesSource[], lists: ListLookup) {
    const rules = sources.flatMap((source) => source.rules)
    this.sources = sources
    this.rules = rules
    this.lists = lists
    this.#index = new RuleIndex(rules)
    const who = rules.flatMap((rule) => rule.who)
    this.#isOma = who.some(({ kind }) => kind !== 'identity')
    this.listAnchors = new Set(
      who.flatMap((condition) => (condition.kind === 'external-list' ? condition.anchors : [])),
    )
  }

  decide(watcher: WatcherIdentity, context: DecisionContext): RuleDecision {
    const { applying, nextChangeMs, usesSphere } = this.#find(subjectOf(watcher), context)
    // guard: policy-nothing-matches — whom no rule lets in is blocked (RFC 5025 section 3.2.1)
    let handling: SubHandling = 'block'
    let permissions = NOTHING_PERMITTED
    const matched: MatchedRule[] = []
    for (const { compiled, standing } of applying) {
      if (standing === 'overruled') continue
      handling = greaterHandling(handling, handlingOf(compiled, standing))
      // guard: policy-confirms-provide — a rule that counts no further than waiting shows nothing
      if (standing === 'counts') permissions = this.#combiner.combine(permissions, compiled.permissions)
      matched.push({ ruleId: compiled.rule.id, handling: compiled.rule.handling })
    }
    return {
      handling,
      // guard: policy-provisions-allowed — what rules provide is for who is allowed, nobody else
      permissions: handling === 'allow' ? permissions : NOTHING_PERMITTED,
      matched,
      ...(nextChangeMs === Number.POSITIVE_INFINITY ? {} : { nextChangeMs }),
      usesSphere,
    }
  }

  /** The rules about a watcher that hold, and how each counts, in the order of the documents. */
  applying(watcher: WatcherIdentity, context: DecisionContext): readonly Applying[] {
    return this.#find(subjectOf(watcher), context).applying
  }

  #find(subject: Subject, context: DecisionContext): Finding {
    const found: { index: number; compiled: CompiledRule; reach: Reach }[] = []
    let nextChangeMs = Number.POSITIVE_INFINITY
    let usesSphere = false
    let nearest: number = RANK.others
    let isUnknown = false
    for (const index of this.#index.candidates(subject)) {
      const compiled = this.rules[index]
      const reach = compiled?.reach(subject, this.lists)
      if (!compiled || reach === undefined) continue
      nextChangeMs = Math.min(nextChangeMs, compiled.nextChangeMs(context.nowMs))
      usesSphere ||= compiled.usesSphere
      if (!compiled.holds(context)) continue
      found.push({ index, compiled, reach })
      if (reach === 'unknown') isUnknown = true
      else nearest = Math.min(nearest, RANK[reach])
    }
    const applying: Applying[] = []
    for (const { index, compiled, reach } of found) {
      if (reach === 'unknown') continue
      const standing = this.#isOma ? standingOf(reach, nearest, isUnknown) : 'counts'
      applying.push({ index, compiled, reach, standing })
    }
    return { applying, nextChangeMs, usesSphere }
  }
}

/** How near a rule is to a watcher; those for everybody stand apart. */
const RANK = { named: 0, many: 1, others: 2, everybody: 3 } as const satisfies Record<Applying['reach'], number>

function standingOf(reach: Applying['reach'], nearest: number, isUnknown: boolean): Standing {
  if (reach === 'everybody') return 'counts'
  // guard: policy-oma-order — a rule about others does not undo what a nearer one says of the watcher
  if (RANK[reach] > nearest) return 'overruled'
  // guard: policy-list-missing — while a list is missing that could name him, nothing but a name lets a watcher in
  return isUnknown && reach !== 'named' ? 'confirms' : 'counts'
}

/** What a rule gives as it counts. */
export function handlingOf({ rule }: CompiledRule, standing: Standing): SubHandling {
  return standing === 'confirms' ? lesserHandling(rule.handling, 'confirm') : rule.handling
}
