import { Writable } from 'node:stream'
import { RollcallError, seededRandom, TokenBuckets, VirtualClock } from '@rollcall/core'
import type { SaSetParameters } from '@rollcall/esp'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { type AuditEvent, createLogger, type HopResult, type Metrics } from '@rollcall/runtime'
import {
  createResponse,
  parseMessage,
  parseNameAddr,
  parseSipUri,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  serializeMessage,
} from '@rollcall/sip'
import { type PcscfConfig, type PcscfSettings, pcscfConfig } from '../config.ts'
import { ContactTable } from '../contacts/contact-table.ts'
import type { Change } from '../contacts/record.ts'
import type { PcscfContext } from '../context.ts'
import type { Flow } from '../edge/flow.ts'
import { Gm } from '../edge/gm.ts'
import { PcscfEvents } from '../events.ts'
import { CoreLink } from '../mw/core-link.ts'
import { DialogRoutes } from '../originating/dialog-routes.ts'
import { OriginatingRequests } from '../originating/originating.ts'
import { RegEventSubscriber } from '../reg-event/reg-event-subscriber.ts'
import { Attempts } from '../registration/attempts.ts'
import { Registrations } from '../registration/registrations.ts'
import { PortAllocator } from '../sa/port-allocator.ts'
import { type SaSetView, SaTable } from '../sa/sa-table.ts'
import { SpiAllocator } from '../sa/spi-allocator.ts'
import { SecurityServers } from '../sec-agree/security-server.ts'
import { TerminatingRequests } from '../terminating/terminating.ts'
import { TokenKeyRing } from '../token/token-key-ring.ts'
import {
  ALICE,
  ALICE_IMPI,
  ALICE_TEL,
  CK,
  DOMAIN,
  FIRST_END,
  HOST,
  IK,
  NONCE,
  PCSCF,
  type RegisterText,
  register,
  SERVICE_ROUTE,
  securityClient,
  UE,
  type UeEnd,
} from './messages.ts'

/** A request that the core got. */
export interface CoreRequest {
  readonly host: string
  readonly request: SipRequest
  readonly envelope: Envelope
  respond(status: number, headers?: readonly (readonly [string, string])[]): void
  end(result: HopResult): void
}

/** Something that went to a UE. */
export interface Sent {
  readonly flow: Flow
  readonly message: SipMessage
}

class StoreAway extends RollcallError {
  readonly code = 'STORE_UNAVAILABLE'
}

const SETTINGS: PcscfSettings = {
  ROLLCALL_REALM: DOMAIN,
  ROLLCALL_TRUST_DOMAIN: 'rollcall.test',
  ROLLCALL_NATS_URL: 'tls://127.0.0.1:1',
  ROLLCALL_TLS_CERT_FILE: 'x',
  ROLLCALL_TLS_KEY_FILE: 'x',
  ROLLCALL_TLS_CA_FILE: 'x',
  ROLLCALL_GRPC_LISTEN: `${PCSCF}:17004`,
  ROLLCALL_PROBE_LISTEN: `${PCSCF}:17104`,
  ROLLCALL_LOG_LEVEL: 'silent',
  ROLLCALL_IDENTITY_HASH_KEY_FILE: undefined,
  ROLLCALL_PCSCF_POD_NAME: 'pcscf-0',
  ROLLCALL_PCSCF_SIP_LISTEN: `${PCSCF}:15060`,
  ROLLCALL_PCSCF_ENCAPSULATION_LISTEN: `${PCSCF}:14500`,
  ROLLCALL_PCSCF_PORT_PS: 15_064,
  ROLLCALL_PCSCF_PORT_PC_FIRST: 15_100,
  ROLLCALL_PCSCF_PORT_PC_COUNT: 1_000,
  ROLLCALL_PCSCF_SEALING_KEYS_FILE: 'x',
  ROLLCALL_HOP_ROUTES: 'x=scscf@127.0.0.1:1',
  ROLLCALL_PCSCF_ESP_PAIRS: ['hmac-sha-1-96/aes-cbc', 'hmac-sha-1-96/null'],
  ROLLCALL_PCSCF_SECURITY_SERVER_LIST: 'full',
  ROLLCALL_PCSCF_REQUIRE_ENCRYPTION: false,
  ROLLCALL_PCSCF_SEC_AGREE_MISSING: 'negotiate',
  ROLLCALL_PCSCF_NO_COMMON_PAIR_STATUS: '403',
  ROLLCALL_PCSCF_SECURITY_VERIFY_COMPARISON: 'tolerant',
  ROLLCALL_PCSCF_SECURITY_MISMATCH_STATUS: '494',
  ROLLCALL_PCSCF_SERVICE_ROUTE_MISMATCH: 'replace',
  ROLLCALL_PCSCF_T1_MS: 2_000,
  ROLLCALL_PCSCF_T2_MS: 16_000,
  ROLLCALL_PCSCF_T4_MS: 17_000,
  ROLLCALL_PCSCF_REG_AWAIT_AUTH_MS: 240_000,
  ROLLCALL_PCSCF_OLD_SET_GRACE_MS: undefined,
  ROLLCALL_PCSCF_HOP_DEADLINE_MS: 32_000,
  ROLLCALL_PCSCF_PENDING_REGISTRATIONS_MAX: 4,
  ROLLCALL_PCSCF_SOURCE_BURST: 5,
  ROLLCALL_PCSCF_SOURCE_INTERVAL_MS: 1_000,
  ROLLCALL_PCSCF_IMPI_BURST: 20,
  ROLLCALL_PCSCF_IMPI_INTERVAL_MS: 500,
  ROLLCALL_PCSCF_CONTACTS_MAX: 100,
  ROLLCALL_PCSCF_TRANSACTIONS_MAX: 1_000,
  ROLLCALL_PCSCF_CONTACT_BURST: 1_000,
  ROLLCALL_PCSCF_CONTACT_INTERVAL_MS: 20,
  ROLLCALL_PCSCF_VISITED_NETWORK_ID: undefined,
  ROLLCALL_PCSCF_ACCESS_NETWORK_INFO: undefined,
  // Its own tests switch it on: elsewhere the core hears of UEs alone.
  ROLLCALL_PCSCF_REG_EVENT: false,
  ROLLCALL_PCSCF_REG_EVENT_INTERVAL_MS: 20,
  ROLLCALL_PCSCF_TOKEN_KEY_ROTATE_SECONDS: 2_592_000,
  ROLLCALL_PCSCF_ALLOW_UE_TRACE_CONTEXT: false,
}

/**
 * A whole P-CSCF but for its sockets, store and hop: datagrams go in by hand, on a virtual clock, and what it sends and
 * asks is written down.
 */
export class Rig {
  readonly clock = new VirtualClock()
  readonly config: PcscfConfig
  readonly sent: Sent[] = []
  readonly coreRequests: CoreRequest[] = []
  readonly changes: Change[] = []
  readonly audits: AuditEvent[] = []
  readonly counts = new Map<string, number>()
  /** Sets at the back end. */
  readonly installed = new Map<string, SaSetParameters>()
  readonly logLines: string[] = []
  readonly context: PcscfContext
  readonly gm: Gm
  readonly terminating: TerminatingRequests
  readonly regEvent: RegEventSubscriber
  readonly spis: SpiAllocator
  readonly ports: PortAllocator
  /** Whether the log takes records, and whether their fate is known. */
  store: 'up' | 'away' | 'failing' = 'up'

  constructor(settings: Partial<PcscfSettings> = {}) {
    this.config = pcscfConfig({ ...SETTINGS, ...settings })
    const { clock, config } = this
    const random = seededRandom('rig')
    const metrics = this.#metrics()
    const destination = new Writable({
      write: (line, _encoding, done) => {
        this.logLines.push(String(line))
        done()
      },
    })
    const log = createLogger({ service: 'pcscf', level: 'trace', destination })
    const events = new PcscfEvents({ metrics, audit: (event) => void this.audits.push(event), clock })
    const attempts = new Attempts({ perImpiMax: config.pendingRegistrationsMax, attemptsMax: 100 })
    const spis = new SpiAllocator(random)
    this.spis = spis
    this.ports = new PortAllocator(config.portPc)
    const sets = new SaTable({
      backEnd: {
        install: (set) => void this.installed.set(set.id, set),
        remove: (id) => void this.installed.delete(id),
      },
      clock,
      random,
      spis,
      ports: this.ports,
      lifetimes: { temporaryMs: config.regAwaitAuthMs, graceMs: config.oldSetGraceMs, beyondRegistrationMs: 30_000 },
      local: { address: PCSCF, portPs: config.portPs },
      setsMax: 300,
      onRemoved: (set, why) => {
        const attempt = attempts.ofSet(set.id)
        if (attempt) attempts.end(attempt)
        events.setRemoved(set, why)
      },
      onRemoveFailed: () => {},
    })
    const tokens = new TokenKeyRing()
    tokens.add(tokens.nextKey(random, clock.now()))
    const isAvailable = (): boolean => this.store !== 'away'
    this.context = {
      config,
      clock,
      random,
      log,
      metrics,
      events,
      sets,
      attempts,
      contacts: new ContactTable(),
      changes: {
        get isAvailable() {
          return isAvailable()
        },
        append: async (change) => {
          if (this.store !== 'up') throw new StoreAway('away')
          this.changes.push(change)
        },
      },
      tokens,
      core: new CoreLink({ router: this.#router(), random, host: HOST, deadlineMs: config.hopDeadlineMs }),
      dialogs: new DialogRoutes(clock, 100),
      securityServers: new SecurityServers(config.secAgree),
      impiBuckets: new TokenBuckets(clock, config.impiBucket),
    }
    this.gm = new Gm({ config, clock, random, log, metrics, events, hashIdentity: (identity) => `#${identity.length}` })
    this.regEvent = new RegEventSubscriber(this.context)
    const registrations = new Registrations(this.context, this.regEvent)
    const originating = new OriginatingRequests(this.context)
    this.gm.begin({
      transport: { send: (flow, bytes) => this.#sendToUe(flow, bytes) },
      sets,
      handlers: {
        register: (incoming) => registrations.handle(incoming),
        originate: (incoming) => originating.handle(incoming),
      },
    })
    this.terminating = new TerminatingRequests(this.context, this.gm, this.regEvent)
  }

  /** A datagram at the unprotected port. */
  unprotected(
    message: SipMessage | Buffer,
    source: { address: string; port: number } = { address: UE, port: 15_060 },
  ): void {
    this.gm.unprotected(octetsOf(message), source)
  }

  /** A message in a set, as its UE sends it. */
  protected(set: Pick<SaSetView, 'id' | 'remote' | 'local'>, message: SipMessage | Buffer): void {
    this.gm.protected({
      setId: set.id,
      sourcePort: set.remote.portC,
      destinationPort: set.local.portS,
      payload: octetsOf(message),
    })
  }

  /** The last message that went to a UE. */
  get last(): Sent {
    const last = this.sent.at(-1)
    if (!last) throw new Error('nothing was sent')
    return last
  }

  /** The last response that went to a UE. */
  get answer(): SipResponse {
    const { message } = this.last
    if (message.kind !== 'response') throw new Error('the last message was a request')
    return message
  }

  /** The last request that the core got. */
  get coreRequest(): CoreRequest {
    const last = this.coreRequests.at(-1)
    if (!last) throw new Error('the core got nothing')
    return last
  }

  count(name: string, label = ''): number {
    return this.counts.get(`${name} ${label}`.trim()) ?? 0
  }

  refusals(reason: string): number {
    return this.count('rollcall_pcscf_refused_total', reason)
  }

  drops(reason: string): number {
    return this.count('rollcall_pcscf_dropped_total', reason)
  }

  /** Lets promises go on. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }

  /** The newest set of an identity. */
  newestSet(impi = ALICE_IMPI): SaSetView {
    const set = this.context.sets.setsOf(impi as SaSetView['impi']).at(-1)
    if (!set) throw new Error('there is no set')
    return set
  }

  /** SM1 to SM6: ends with the temporary set of the challenge. */
  async challenge(
    o: RegisterText & { end?: UeEnd; on?: SaSetView; nonce?: string; source?: { address: string; port: number } } = {},
  ): Promise<SaSetView> {
    const request = register({
      ...(o.on ? { via: `SIP/2.0/UDP ${UE}:15064` } : {}),
      ...o,
      headers: [['Security-Client', securityClient(o.end ?? FIRST_END)], ...(o.headers ?? [])],
    })
    if (o.on) this.protected(o.on, request)
    else this.unprotected(request, o.source)
    this.coreRequest.respond(401, [challengeHeader(o.nonce)])
    await this.settle()
    return this.newestSet(o.impi)
  }

  /** SM7, up to the core. */
  answerChallenge(set: SaSetView, o: RegisterText & { end?: UeEnd; nonce?: string; verify?: string } = {}): void {
    const verify = o.verify ?? this.securityServer
    this.protected(
      set,
      register({
        via: `SIP/2.0/UDP ${set.remote.address}:${set.remote.portS}`,
        contactPort: set.remote.portS,
        cseq: 2,
        authorization: `nonce="${o.nonce ?? NONCE}",response="6629fae49393a05397450978507c4ef1",algorithm=AKAv1-MD5`,
        ...o,
        headers: [
          ['Security-Client', securityClient(o.end ?? FIRST_END)],
          ['Security-Verify', verify],
          ...(o.headers ?? []),
        ],
      }),
    )
  }

  /** The Security-Server of the last 401. */
  get securityServer(): string {
    const challenge = this.sent.findLast(({ message }) => message.headers.has('Security-Server'))
    return challenge?.message.headers.get('Security-Server') ?? ''
  }

  /** A whole registration; ends with the established set. */
  async register(o: Parameters<Rig['challenge']>[0] = {}): Promise<SaSetView> {
    const set = await this.challenge(o)
    this.answerChallenge(set, o)
    this.coreRequest.respond(200, grantHeaders(o))
    await this.settle()
    const established = this.context.sets.find(set.id)
    if (!established) throw new Error('the set did not survive its 200')
    return established
  }

  /** The flow token that the core was told last. */
  get token(): string {
    const path = this.coreRequests.findLast(({ request }) => request.headers.has('Path'))
    return parseSipUri(parseNameAddr(path?.request.headers.get('Path') ?? '').uri).user ?? ''
  }

  #sendToUe(flow: Flow, bytes: Buffer): void {
    if (flow.kind === 'protected' && !this.installed.has(flow.setId)) throw new StoreAway('no such set')
    this.sent.push({ flow, message: parseMessage(bytes) })
  }

  #router(): ConstructorParameters<typeof CoreLink>[0]['router'] {
    return {
      has: (host) => host === DOMAIN || host === `scscf-0.scscf.${DOMAIN}`,
      send: (host, message, on) => {
        const request = parseMessage(message.sip)
        if (request.kind !== 'request') throw new Error('no request')
        this.coreRequests.push({
          host,
          request,
          envelope: message.envelope,
          end: on,
          respond(status, headers = []) {
            const response = createResponse(request, status, { toTag: 'core-tag', headers })
            for (const value of request.headers.getAll('Record-Route')) response.headers.add('Record-Route', value)
            on({ kind: 'response', status, sip: serializeMessage(response), envelope: undefined })
          },
        })
      },
    }
  }

  #metrics(): Metrics {
    const count = (name: string, labels: object | undefined): void => {
      const key = `${name} ${Object.values(labels ?? {}).join(' ')}`.trim()
      this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
    }
    return {
      counter: (name, ...[labels]) => ({ add: () => count(name, labels) }),
      histogram: (name, ...[labels]) => ({ record: () => count(name, labels) }),
      gauge: () => ({ release: () => {} }),
      expose: async () => '',
      shutdown: async () => {},
    }
  }
}

export function challengeHeader(nonce = NONCE): [string, string] {
  return [
    'WWW-Authenticate',
    `Digest realm="${DOMAIN}",nonce="${nonce}",algorithm=AKAv1-MD5,qop="auth",ck="${CK}",ik="${IK}"`,
  ]
}

export function grantHeaders(o: RegisterText & { granted?: number } = {}): [string, string][] {
  const { instance = 'urn:gsma:imei:90420156-025763-0', impu = ALICE } = o
  const tel: [string, string][] = impu === ALICE ? [['P-Associated-URI', `<${ALICE_TEL}>`]] : []
  return [
    ['Contact', `<sip:${UE}:15064>;+sip.instance="<${instance}>";expires=${o.granted ?? o.expires ?? 600_000}`],
    ['Service-Route', SERVICE_ROUTE],
    ['P-Associated-URI', `<${impu}>`],
    ...tel,
    ['P-Charging-Vector', 'icid-value=x;term-ioi=home'],
  ]
}

function octetsOf(message: SipMessage | Buffer): Buffer {
  return Buffer.isBuffer(message) ? message : serializeMessage(message)
}
