import type { Impu } from '@rollcall/core'
import {
  compileRules,
  type DecisionContext,
  explainRules,
  FilterablePidf,
  type PresencePolicy,
  PresenceRules,
  plainDecision,
  type RuleDecision,
  type RulesExplanation,
  type WatcherIdentity,
} from '@rollcall/policy'
import type { PolicyDecision, RuleVerdict, WatcherSession } from '@rollcall/proto-gen/admin'
import { decisionContext } from '../actor/decision-context.ts'
import { policyOf } from '../actor/policy-of.ts'
import { dialogOf, type PresentityState, type Subscription } from '../actor/state.ts'
import { identityOf } from '../actor/subscribe.ts'
import { PresenceView, politeBody } from '../actor/view.ts'
import type { UserData } from '../sh/user-data.ts'

/** About whom it is asked, and when. */
export interface Question {
  readonly user: UserData
  readonly state: PresentityState
  readonly watcher: WatcherIdentity
  readonly nowMs: number
  /** A ruleset in the place of the stored ones. */
  readonly rules?: Buffer | undefined
}

/** What the watcher would be told, and why. */
export interface Answer {
  readonly decision: PolicyDecision
  readonly document: Buffer
}

/**
 * Decides as the notifier does, and says why. Pure.
 *
 * @throws RulesError when the given rules are none.
 * @see RFC 4745 section 10, RFC 5025 section 3
 */
export function explainWatcher({ user, state, watcher, nowMs, rules }: Question): Answer {
  const context = decisionContext(state.publications.values(), nowMs)
  const policy = rules ? compileRules(rules) : policyOf(state, user.policy)
  const isOwn = identitiesOf(watcher).some((impu) => user.impus.includes(impu))
  const explained = isOwn ? ownExplanation() : explain(policy, watcher, context)
  const { handling, permissions, nextChangeMs } = explained.decision
  const whole = new PresenceView(state, nowMs).bodyFor(user.canonical, { watcher: [state.presentity], isHidden: false })
  const isAllowed = handling === 'allow'
  const filterable = new FilterablePidf(whole)
  return {
    decision: {
      handling,
      source: isOwn ? 'own' : rules || state.documents?.rules ? 'rules' : 'provisioned',
      rules: explained.rules.map(writeVerdict),
      combined: explained.combined,
      withheld: isAllowed
        ? filterable.withheld(permissions).map(({ attribute = '', ...where }) => ({ ...where, attribute }))
        : [],
      nextChangeMs: BigInt(nextChangeMs ?? 0),
    },
    document: isAllowed
      ? filterable.filter(permissions)
      : handling === 'polite-block'
        ? politeBody(user.canonical)
        : Buffer.alloc(0),
  }
}

/** The subscriptions of a watcher, and how he is known in each. */
export function sessionsOf(state: PresentityState, identities: readonly Impu[]): WatcherSession[] {
  return [...state.subscriptions.values()]
    .filter(({ watcher }) => watcher.some((impu) => identities.includes(impu)))
    .map(writeSession)
}

/** Who a watcher is to the rules: as he watches now, else as his S-CSCF would assert him. */
export function watchingAs(state: PresentityState, identities: readonly Impu[]): WatcherIdentity {
  const own = [...state.subscriptions.values()].filter(
    ({ eventPackage, watcher }) => eventPackage === 'presence' && watcher.some((impu) => identities.includes(impu)),
  )
  const latest = own.at(-1)
  return latest ? identityOf(latest) : { kind: 'verified', identities }
}

function identitiesOf(watcher: WatcherIdentity): readonly Impu[] {
  return 'identities' in watcher ? watcher.identities : []
}

function explain(
  policy: PresencePolicy,
  watcher: WatcherIdentity,
  context: DecisionContext,
): Pick<RulesExplanation, 'rules' | 'combined'> & { readonly decision: RuleDecision } {
  if (policy instanceof PresenceRules) return explainRules(policy, watcher, context)
  return { decision: policy.decide(watcher, context), rules: [], combined: '' }
}

function ownExplanation(): ReturnType<typeof explain> {
  return { decision: plainDecision('allow'), rules: [], combined: 'the presentity watches itself' }
}

function writeVerdict(verdict: RulesExplanation['rules'][number]): RuleVerdict {
  const { ruleId } = verdict
  switch (verdict.verdict) {
    case 'does-not-apply':
      return { ruleId, verdict: verdict.verdict, handling: '', because: verdict.because }
    case 'list-unknown':
      return { ruleId, verdict: verdict.verdict, handling: '', because: '' }
    default:
      return { ruleId, verdict: verdict.verdict, handling: verdict.handling, because: '' }
  }
}

/** The trace is that of the SUBSCRIBE; the audit record of the decision bears the same id. */
function writeSession(subscription: Subscription): WatcherSession {
  const { eventPackage, handling, startedAtMs, traceparent, watcher, proof } = subscription
  const traceId = traceparent.split('-')[1] ?? ''
  const isVerified = watcher.length > 0
  return {
    callId: dialogOf(subscription).callId,
    eventPackage,
    status: handling === 'confirm' ? 'pending' : 'active',
    identityKind: identityOf(subscription).kind,
    // The only role that may send us a SUBSCRIBE with an asserted identity; who proved himself needed none.
    assertedBy: isVerified && !proof ? 'scscf' : '',
    impi: proof?.impi ?? '',
    algorithm: proof?.algorithm ?? '',
    protection: '',
    auditId: traceId === '' ? '' : 'policy.decision',
    traceId,
    sinceMs: BigInt(startedAtMs),
  }
}
