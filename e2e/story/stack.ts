import type { Contact, GetPresentityResponse, Registration } from '@rollcall/proto-gen/admin'
import type { SipTimers } from '@rollcall/sip'
import type { World } from './world.ts'

/** The steps that the story plays, in their order. What comes before them is the runner's. */
export const STORY_STEPS = [
  'register-alice-phone',
  'register-alice-tablet',
  'register-bob',
  'publish',
  'subscribe',
  'notify',
  'publish-second',
  'notify-composed',
  'reregister',
  'notify-after-reregister',
  'bootstrap',
  'rules-pending',
  'rules-allow',
  'rules-polite-block',
  'xcap-diff',
  'anonymous-watcher',
  'refuse-foreign-tree',
  'refuse-foreign-naf',
  'refuse-forged-subscribe',
  'refuse-foreign-publish',
  'refuse-foreign-winfo',
  'refuse-wrong-res',
  'refuse-replay',
  'deregister',
  'trace',
] as const

export type StoryStep = (typeof STORY_STEPS)[number]

/** Those of them that need a BSF and an Authentication Proxy. */
export const UT_STEPS: ReadonlySet<StoryStep> = new Set([
  'bootstrap',
  'rules-pending',
  'rules-allow',
  'rules-polite-block',
  'xcap-diff',
  'anonymous-watcher',
  'refuse-foreign-tree',
  'refuse-foreign-naf',
])

/** How one step went. */
export interface StepReport {
  readonly step: StoryStep
  readonly ok: boolean
  readonly ms: number
  /** How the messages of the step were protected: `udp-enc-tun aes-cbc hmac-sha-1-96`; empty when none was. */
  readonly protection: string
  /** One sentence told to a person. */
  readonly detail: string
}

/** One line of a service's metrics. */
export interface MetricSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A span as the stack's trace receiver got it. */
export interface StorySpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root span. */
  readonly parentSpanId: string
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly failed: boolean
}

/** Where the spans of the stack arrive. */
export interface TraceSource {
  /** Waits until `find` gives something from the spans received so far; throws when `timeoutMs` have passed. */
  waitFor<T>(find: (spans: readonly StorySpan[]) => T | undefined, timeoutMs: number): Promise<T>
}

/** What an operator may look at. */
export interface StackAdmin {
  listContacts(): Promise<readonly Contact[]>
  listRegistrations(): Promise<readonly Registration[]>
  getPresentity(impu: string): Promise<GetPresentityResponse>
}

/** What Ut's steps do besides what a UE can. */
export interface StackUt {
  /** Asks the BSF for the key of a NAF with the Authentication Proxy's certificate; gives whether it was refused. */
  asksForKey(o: { readonly btid: string; readonly fqdn: string }): Promise<'given' | 'refused'>
  /** Gives a subscriber a password for Digest in one realm; an empty one takes it away. */
  setDigestPassword(o: { readonly impi: string; readonly realm: string; readonly password: string }): Promise<void>
}

export type StackService = 'hss' | 'scscf' | 'pcscf' | 'presence'

/** A stack that the story can be played on: local processes, containers, a cluster. The world is provisioned already. */
export interface StoryStack {
  readonly world: World
  /** Timers between UE and P-CSCF; both ends have the same. */
  readonly timers: SipTimers
  /** The P-CSCF's protected server port; nothing unprotected is taken there. */
  readonly portPs: number
  /** Loopback address of somebody who has no UE. */
  readonly attackerAddress: string
  readonly admin: StackAdmin
  /** Absent: there is no BSF and no Authentication Proxy, and the story leaves Ut out. */
  readonly ut?: StackUt | undefined
  metrics(service: StackService): Promise<readonly MetricSample[]>
  /** Absent: the stack sends its spans elsewhere, and the story cannot look at them. */
  readonly traces: TraceSource | undefined
}
