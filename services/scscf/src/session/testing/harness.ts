import { type Impi, type Impu, seededRandom, VirtualClock } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createEnvelope, type Role } from '@rollcall/runtime'
import { createRequest, createResponse, type SipRequest, type SipResponse } from '@rollcall/sip'
import { compileProfile } from '../../ifc/filter-criteria.ts'
import type { Refusal } from '../../refusal.ts'
import { contactKey, type RegistrationSet } from '../../registrations/registration.ts'
import type { OnwardLeg } from '../../replicas/owners.ts'
import type { PartitionUsers } from '../../replicas/served-partition.ts'
import { refusalReply, replyResponse } from '../../sip/answers.ts'
import type { ForwardOutcome, ForwardRequest } from '../../sip/forwarder.ts'
import type { Incoming } from '../../sip/incoming.ts'
import {
  ALICE,
  BOB,
  BOB_IMPI,
  BOB_PROFILE,
  PCSCF_HOST,
  PRESENCE_HOST,
  REALM,
  SCSCF_HOST,
} from '../../testing/fixtures.ts'
import { Directory, type DirectoryCx } from '../directory.ts'
import { OdiTable } from '../odi-table.ts'
import { type AtServer, SessionRouter } from '../session-router.ts'

/** A request that was sent on, and the way to answer it. */
export interface Sent extends ForwardRequest {
  readonly host: string
  readonly on: (outcome: ForwardOutcome) => void
  /** Answers with this status, as the next node would. */
  answer(status: number): void
}

/** The session procedures with everybody around them played by the test. */
export class Harness {
  readonly clock = new VirtualClock()
  readonly sent: Sent[] = []
  readonly sets = new Map<Impu, RegistrationSet>()
  readonly failed: string[] = []
  locate: DirectoryCx['locate'] = async () => ({ kind: 'unknown' })
  readonly #random = seededRandom('session')

  /** Partitions of these users are at other replicas. */
  readonly away = new Set<Impu>()
  /** What was brought to other replicas, as it came or as a leg of ours. */
  readonly brought: { incoming: Incoming; impu: Impu; leg: OnwardLeg | undefined }[] = []
  /** Replicas that give back what they remember. */
  readonly replicas = new Set<string>()
  readonly learnt: string[] = []
  /** Whose registration state was asked for, or in which of our dialogs. */
  readonly watched: string[] = []
  owned = (_canonicalImpu: Impu): boolean => true

  readonly #partition: PartitionUsers = {
    findByImpu: (impu) => this.sets.get(impu),
    isOwned: (canonicalImpu) => this.owned(canonicalImpu),
    registers: { handle: () => {} },
    regEvents: {
      subscribe: async () => ({ ok: false, refusal: { reason: 'reg-event-denied' } }),
      resubscribe: async () => ({ ok: false, refusal: { reason: 'reg-event-dialog' } }),
      answered: () => {},
    },
  }

  readonly router = new SessionRouter({
    realm: REALM,
    host: SCSCF_HOST,
    replica: 'scscf-0',
    clock: this.clock,
    owners: {
      bring: (incoming, impu, here) => this.#bring(incoming, impu, undefined, here),
      bringOnward: (leg, impu, here) => this.#bring(leg.incoming, impu, leg, here),
      bringTo: (replica, incoming) => {
        if (!this.replicas.has(replica)) return false
        this.brought.push({ incoming, impu: '' as Impu, leg: undefined })
        return true
      },
      servedHere: (canonicalImpu) => (this.away.has(canonicalImpu) ? undefined : this.#partition),
    },
    onCanonical: (impu, canonicalImpu) => this.learnt.push(`${impu} ${canonicalImpu}`),
    directory: new Directory({
      clock: this.clock,
      cx: { locate: (impu) => this.locate(impu) },
      freshMs: 0,
      staleMs: 0,
      entriesMax: 10,
      onStale: () => {},
      onSkipped: () => {},
    }),
    forwarder: {
      knows: (host) => [PCSCF_HOST, PRESENCE_HOST, 'as2.example.com', 'as1.example.com'].includes(host),
      send: (host, forward, on) => {
        this.sent.push({
          ...forward,
          host,
          on,
          answer: (status) => on({ kind: 'response', response: createResponse(forward.request, status) }),
        })
      },
    },
    regEvents: {
      isOurs: (request) => request.uri.startsWith('sip:reg-'),
      subscribe: async (_incoming, _request, impu) => void this.watched.push(impu),
      inDialog: async (_incoming, request) => void this.watched.push(request.uri),
    },
    odis: new OdiTable<AtServer>({ clock: this.clock, random: this.#random, lifeMs: 64_000, entriesMax: 100 }),
    events: { serverFailed: (_criterion, handling) => this.failed.push(handling) },
    refuse: (incoming, refusal) => this.#refuse(incoming, refusal),
  })

  async #bring(
    incoming: Incoming,
    impu: Impu,
    leg: OnwardLeg | undefined,
    here: (partition: PartitionUsers) => void | Promise<void>,
  ): Promise<void> {
    if (this.away.has(impu)) this.brought.push({ incoming, impu, leg })
    else await here(this.#partition)
  }

  /** Registers a user who is bound at 127.0.1.N. */
  register(profile: ServiceProfile, impis: readonly Impi[], expiresInMs = 3_600_000): void {
    const contacts = impis.map((impi, index) => ({
      impi,
      instance: `instance-${index}`,
      uri: `sip:user@127.0.1.${index + 1}:15066`,
      value: `<sip:user@127.0.1.${index + 1}:15066>;+sip.instance="<x>"`,
      state: 'registered' as const,
      path: [`<sip:token-${index}@${PCSCF_HOST};lr>`],
      registeredImpu: profile.canonicalImpu as Impu,
      callId: 'c',
      cseq: 1,
      expiresAtMs: this.clock.now() + expiresInMs,
      sourceAddress: `127.0.1.${index + 1}`,
    }))
    const set: RegistrationSet = {
      canonicalImpu: profile.canonicalImpu as Impu,
      profile,
      criteria: compileProfile(profile),
      contacts: new Map(contacts.map((contact) => [contactKey(contact), contact])),
    }
    for (const { identity } of profile.publicIdentities) this.sets.set(identity as Impu, set)
  }

  /** Sends a request in and gives the responses to it. */
  async receive(request: SipRequest, from: { role?: Role; envelope?: Partial<Envelope> } = {}): Promise<SipResponse[]> {
    const responses: SipResponse[] = []
    const envelope = createEnvelope(from.envelope ?? bobsEnvelope())
    await this.router.route({
      request,
      octets: Buffer.from('as it came'),
      branch: 'z9hG4bKp',
      envelope,
      role: from.role ?? 'pcscf',
      traceparent: envelope.traceparent,
      deadlineAtMs: this.clock.monotonic() + 32_000,
      reply: (response) => responses.push(response),
      pass: () => {},
    })
    return responses
  }

  /** The newest request that was sent on. */
  get last(): Sent {
    const last = this.sent.at(-1)
    if (!last) throw new Error('nothing was sent on')
    return last
  }

  readonly refusals: string[] = []

  #refuse(incoming: Incoming, refusal: Refusal): void {
    this.refusals.push(refusal.reason)
    incoming.reply(replyResponse(incoming.request, refusalReply(refusal, this.#random)))
  }
}

/** What the P-CSCF vouches for bob. */
export function bobsEnvelope(): Partial<Envelope> {
  return {
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
    impi: BOB_IMPI,
    assertedIdentities: [BOB],
    receivedAtMs: 17n,
  }
}

export interface RequestOptions {
  readonly uri?: string
  readonly route?: readonly string[]
  readonly toTag?: string
  readonly event?: string
  readonly headers?: readonly (readonly [string, string])[]
}

/** A request as the P-CSCF sends it on: by default bob subscribes to alice. */
export function request(method: string, options: RequestOptions = {}): SipRequest {
  const uri = options.uri ?? ALICE
  const tag = options.toTag === undefined ? '' : `;tag=${options.toTag}`
  return createRequest(method, uri, [
    ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKp`],
    ['Via', 'SIP/2.0/UDP 127.0.1.3:15066;branch=z9hG4bKu'],
    ...(options.route ?? [`<sip:orig@${SCSCF_HOST};lr>`]).map((value) => ['Route', value] as const),
    ['Record-Route', `<sip:token-bob@${PCSCF_HOST};lr>`],
    ['Max-Forwards', '68'],
    ['From', `<${BOB}>;tag=bob`],
    ['To', `<${uri}>${tag}`],
    ['Call-ID', 'session-1'],
    ['CSeq', `1 ${method}`],
    ['Event', options.event ?? 'presence'],
    ['P-Asserted-Identity', '<sip:forged@example.com>'],
    ...(options.headers ?? []),
  ])
}

/** A harness in which bob is registered. */
export function withBob(): Harness {
  const harness = new Harness()
  harness.register(BOB_PROFILE, [BOB_IMPI])
  return harness
}
