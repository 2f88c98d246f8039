import assert from 'node:assert/strict'
import { type Impi, type Impu, VirtualClock } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { parseReginfo, type Reginfo } from '@rollcall/reginfo'
import {
  createRequest,
  cseq,
  fromUri,
  parseSubscriptionState,
  type SipRequest,
  type SubscriptionState,
  toUri,
} from '@rollcall/sip'
import type { RegisterRequest } from '../../registrar/register-request.ts'
import type { EndedRegistration } from '../../registrations/ended-registration.ts'
import { Registrations, type RegistrationsOptions } from '../../registrations/registrations.ts'
import { MemoryLogs } from '../../registrations/testing/memory-logs.ts'
import { registrationsOptions } from '../../registrations/testing/registrations-options.ts'
import {
  ALICE,
  ALICE_PROFILE,
  answer,
  contact,
  PCSCF_HOST,
  PHONE,
  PRESENCE_HOST,
  TABLET,
  vector,
} from '../../testing/fixtures.ts'
import type { RegAsker } from '../authorize.ts'
import type { NotifyOutcome } from '../notify-outcome.ts'
import type { RegEvents, SubscribeOutcome } from '../reg-events.ts'
import { regEventsOf } from './reg-events-of.ts'

/** A NOTIFY that was sent, read. */
export interface SentNotify {
  readonly host: string
  readonly request: SipRequest
  readonly callId: string
  readonly info: Reginfo
  readonly state: SubscriptionState
  readonly done: (outcome: NotifyOutcome) => void
}

/** One partition with its registrations and its notifier; what is sent is answered by the test, or 200 at once. */
export class RegWorld {
  readonly clock: VirtualClock
  readonly logs: MemoryLogs
  readonly sent: SentNotify[] = []
  readonly ended: EndedRegistration[] = []
  /** What each NOTIFY comes to; undefined: the test says so later. */
  outcome: NotifyOutcome | undefined = 'delivered'
  isLive = true
  readonly registrations: Registrations
  readonly regEvents: RegEvents

  private constructor(clock: VirtualClock, logs: MemoryLogs, options: Partial<RegistrationsOptions>) {
    this.clock = clock
    this.logs = logs
    this.regEvents = regEventsOf(clock, {
      registrations: () => this.registrations,
      isLive: () => this.isLive,
      send: (host, request, mayLeave, done) => {
        if (!mayLeave()) {
          queueMicrotask(() => done('withdrawn'))
          return
        }
        const state = parseSubscriptionState(request.headers.get('Subscription-State') ?? '')
        const callId = request.headers.get('Call-ID') ?? ''
        this.sent.push({ host, request, callId, info: parseReginfo(request.body), state, done })
        const { outcome } = this
        if (outcome) queueMicrotask(() => done(outcome))
      },
    })
    this.registrations = new Registrations(
      registrationsOptions(clock, {
        watcher: this.regEvents,
        onEnded: async (end) => void this.ended.push(end),
        ...options,
      }),
    )
  }

  /** Takes the partition: of a new log, or of the one of another world. */
  static async start(
    o: { readonly clock?: VirtualClock; readonly logs?: MemoryLogs } & Partial<RegistrationsOptions> = {},
  ): Promise<RegWorld> {
    const { clock = new VirtualClock(), logs = new MemoryLogs(), ...options } = o
    const world = new RegWorld(clock, logs, options)
    const log = await logs.take(0, (loaded) => world.registrations.replay(loaded))
    world.registrations.open(log)
    world.registrations.begin()
    world.regEvents.begin(log.epoch)
    await settle()
    return world
  }

  /** Somebody else takes the partition. */
  drop(): void {
    this.regEvents.stop()
    this.registrations.drop()
  }

  async bind(request: RegisterRequest = phone(), profile: ServiceProfile = ALICE_PROFILE): Promise<void> {
    const outcome = await this.registrations.bind(request, profile)
    assert.equal(outcome.kind, 'accepted', JSON.stringify(outcome))
    await settle()
  }

  async unbind(request: RegisterRequest): Promise<void> {
    assert.equal((await this.registrations.unbind(request)).kind, 'accepted')
    await settle()
  }

  async subscribe(o: SubscribeOptions = {}): Promise<SubscribeOutcome> {
    const asker = { ...user(), ...o.asker }
    const outcome = await this.regEvents.subscribe(subscribe(o), o.impu ?? ALICE, asker, '')
    if (outcome.ok) this.regEvents.answered(outcome.id, outcome.expiresSeconds)
    await settle()
    return outcome
  }

  /** Subscribes, and gives the tag of the dialog. */
  async accepted(o: SubscribeOptions = {}): Promise<string> {
    const outcome = await this.subscribe(o)
    assert.ok(outcome.ok, JSON.stringify(outcome))
    return outcome.id
  }

  async resubscribe(id: string, o: SubscribeOptions = {}): Promise<SubscribeOutcome> {
    const asker = { ...user(), ...o.asker }
    const outcome = await this.regEvents.resubscribe(subscribe({ cseq: 2, ...o, toTag: id }), id, asker, '')
    if (outcome.ok) this.regEvents.answered(outcome.id, outcome.expiresSeconds)
    await settle()
    return outcome
  }

  get last(): SentNotify {
    const last = this.sent.at(-1)
    assert.ok(last, 'nothing was sent')
    return last
  }

  /** Each contact of the first identity as it was told last: who, state, event. */
  get told(): string[] {
    return contactsOf(this.last)
  }
}

export function contactsOf({ info }: SentNotify): string[] {
  const [first] = info.registrations
  return (first?.contacts ?? []).map(({ instance, state, event }) => `${instance} ${state} ${event}`)
}

export function numberOf({ request }: SentNotify): number {
  return cseq(request).sequence
}

export function dialogUris({ request }: SentNotify): string {
  return `${fromUri(request)} ${toUri(request)}`
}

export interface SubscribeOptions {
  readonly asker?: Partial<RegAsker>
  readonly impu?: Impu
  readonly callId?: string
  readonly cseq?: number
  readonly toTag?: string
  readonly expires?: number
  readonly contact?: string
  readonly event?: string
  readonly accept?: string
}

/** A SUBSCRIBE as the P-CSCF sends it on. */
export function subscribe(o: SubscribeOptions = {}): SipRequest {
  const tag = o.toTag === undefined ? '' : `;tag=${o.toTag}`
  return createRequest('SUBSCRIBE', ALICE, [
    ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKp`],
    ['Record-Route', `<sip:token-phone@${PCSCF_HOST};lr>`],
    ['From', `<${ALICE}>;tag=ue`],
    ['To', `<${ALICE}>${tag}`],
    ['Call-ID', o.callId ?? 'reg-1'],
    ['CSeq', `${o.cseq ?? 1} SUBSCRIBE`],
    ['Contact', o.contact ?? '<sip:alice@127.0.1.1:15066>'],
    ['Event', o.event ?? 'reg'],
    ...(o.expires === undefined ? [] : [['Expires', String(o.expires)] as const]),
    ...(o.accept === undefined ? [] : [['Accept', o.accept] as const]),
  ])
}

/** The UE on `impi`, as its P-CSCF vouches for it. */
export function user(impi: Impi = PHONE): RegAsker {
  return { role: 'pcscf', impi, assertedIdentities: [ALICE], contactHost: '127.0.1.1' }
}

/** The P-CSCF of the phone: its own SUBSCRIBE. */
export const PCSCF: SubscribeOptions = {
  asker: { role: 'pcscf', impi: '', assertedIdentities: [`sip:token@${PCSCF_HOST};lr`], contactHost: PCSCF_HOST },
  callId: 'pcscf-1',
  contact: `<sip:reg-event@${PCSCF_HOST}>`,
}

export const SERVER: SubscribeOptions = {
  asker: { role: 'presence', impi: '', assertedIdentities: [], contactHost: PRESENCE_HOST },
  callId: 'as-1',
  contact: `<sip:${PRESENCE_HOST}>`,
}

export function phone(changes: Partial<RegisterRequest> = {}): RegisterRequest {
  return answer(vector('phone'), { expiresSeconds: 3_600, contact: contact('phone'), ...changes })
}

export function tablet(changes: Partial<RegisterRequest> = {}): RegisterRequest {
  const place = contact('tablet', 'sip:alice@127.0.1.2:15066')
  return phone({ impi: TABLET, callId: 'tablet', contact: place, path: [`<sip:t2@${PCSCF_HOST};lr>`], ...changes })
}

/** Lets what is under way come to rest. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next))
}
