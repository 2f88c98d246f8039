import { digestResponse, encodeNonce, generateVector, type MilenageKeys, sameDigest } from '@rollcall/aka'
import { type Secret, systemRandom } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { type Reginfo, writeReginfo } from '@rollcall/reginfo'
import {
  createEnvelope,
  createHopService,
  type GrpcServer,
  HopRouter,
  type Runtime,
  startGrpcServer,
} from '@rollcall/runtime'
import {
  callId,
  createDialogRequest,
  createResponse,
  createUasDialog,
  type Dialog,
  event,
  expires,
  fromUri,
  newBranch,
  newTag,
  parseAuth,
  parseMessage,
  parseNameAddr,
  type SipRequest,
  type SipResponse,
  serializeMessage,
} from '@rollcall/sip'
import { DOMAIN, HOST } from './messages.ts'

const SCSCF = `scscf-0.scscf.${DOMAIN}`

interface Challenge {
  readonly nonce: string
  readonly xres: Secret
}

/** A subscriber as the fake knows it. */
export interface FakeSubscriber {
  readonly keys: MilenageKeys
  readonly impus: readonly string[]
}

/**
 * An S-CSCF for the P-CSCF's tests: challenges by AKA and registers, accepts PUBLISH and SUBSCRIBE, sends NOTIFY when
 * told. It talks over the real hop, with a certificate of its role.
 */
export class FakeScscf implements AsyncDisposable {
  /** Requests that came, in order, with what was vouched for. */
  readonly requests: { readonly request: SipRequest; readonly envelope: Envelope }[] = []
  readonly dialogs: Dialog[] = []
  /** Of the P-CSCF's own subscriptions to registration states. */
  readonly regDialogs: Dialog[] = []
  grantSeconds = 3_600
  /** Answers nothing, as if it hung. */
  isSilent = false
  /** Answers to challenges that it does not know any more, as a replica that took over meanwhile. */
  forgets = 0
  /** CK and IK of every challenge. */
  readonly #keys: Buffer[] = []
  readonly #subscribers: ReadonlyMap<string, FakeSubscriber>
  readonly #challenges = new Map<string, Challenge>()
  readonly #router: HopRouter
  #server: GrpcServer | undefined
  #sqn = 32n
  #cseq = 0

  private constructor(o: { runtime: Runtime; pcscfTarget: string; subscribers: ReadonlyMap<string, FakeSubscriber> }) {
    this.#subscribers = o.subscribers
    this.#router = new HopRouter({ routes: `${HOST}=pcscf@${o.pcscfTarget}`, runtime: o.runtime })
  }

  static async start(o: {
    runtime: Runtime
    listen: string
    pcscfTarget: string
    subscribers: ReadonlyMap<string, FakeSubscriber>
  }): Promise<FakeScscf> {
    const fake = new FakeScscf(o)
    const hop = createHopService({
      onRequest: ({ sip, envelope }, _peer, reply) => {
        const request = parseMessage(sip)
        if (request.kind !== 'request' || fake.isSilent) return
        fake.requests.push({ request, envelope })
        reply(serializeMessage(fake.#answer(request)))
      },
    })
    fake.#server = await startGrpcServer({ listen: o.listen, services: [hop], runtime: o.runtime })
    return fake
  }

  /** The last request of a method. */
  last(method: string): { readonly request: SipRequest; readonly envelope: Envelope } | undefined {
    return this.requests.findLast(({ request }) => request.method === method)
  }

  /** CK and IK of every challenge so far, for who looks where they must not be. */
  challenges(): readonly Buffer[] {
    return this.#keys
  }

  /** Sends a NOTIFY in a dialog; resolves with the UE's or the P-CSCF's answer. */
  async notify(dialog: Dialog, body = '<presence/>'): Promise<SipResponse> {
    const request = createDialogRequest(dialog, 'NOTIFY', ++this.#cseq)
    request.headers.add('Event', 'presence')
    request.headers.add('Subscription-State', 'active;expires=3600')
    request.headers.add('Content-Type', 'application/pidf+xml')
    request.headers.add('Contact', `<sip:presence-1@presence.${DOMAIN}>`)
    request.headers.removeFirst('Route')
    request.body = Buffer.from(body)
    return await this.#send(request)
  }

  /** Tells the P-CSCF in one of its own dialogs where a registration stands; resolves with its answer. */
  async notifyReg(dialog: Dialog, info: Reginfo): Promise<SipResponse> {
    const request = createDialogRequest(dialog, 'NOTIFY', info.version + 1)
    request.headers.add('Event', 'reg')
    request.headers.add('Subscription-State', 'active;expires=3600')
    request.headers.add('Content-Type', 'application/reginfo+xml')
    request.headers.add('Contact', `<sip:reg-1@${SCSCF}>`)
    request.body = writeReginfo(info)
    return await this.#send(request)
  }

  /** Sends a NOTIFY to whatever a Route names. */
  async notifyTo(route: string): Promise<SipResponse> {
    const request = parseMessage(
      Buffer.from(
        `NOTIFY sip:ue@127.0.0.1 SIP/2.0\r\nMax-Forwards: 70\r\nRoute: ${route}\r\nFrom: <sip:a@b>;tag=1\r\n` +
          'To: <sip:c@d>;tag=2\r\nCall-ID: forged\r\nCSeq: 1 NOTIFY\r\n\r\n',
      ),
    ) as SipRequest
    return await this.#send(request)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#router.close(100)
    await this.#server?.stop(100)
  }

  #send(request: SipRequest): Promise<SipResponse> {
    const branch = newBranch(systemRandom)
    request.headers.prepend('Via', `SIP/2.0/TLS ${SCSCF};branch=${branch}`)
    const { promise, resolve, reject } = Promise.withResolvers<SipResponse>()
    this.#router.send(HOST, { sip: serializeMessage(request), branch, envelope: createEnvelope() }, (result) => {
      if (result.kind === 'response') resolve(parseMessage(result.sip) as SipResponse)
      else reject(new Error(result.kind))
    })
    return promise
  }

  #answer(request: SipRequest): SipResponse {
    if (request.method === 'REGISTER') return this.#register(request)
    const toTag = newTag(systemRandom)
    if (request.method === 'SUBSCRIBE' && event(request).package === 'reg') {
      // UEs watch themselves as well.
      if (fromUri(request) === `sip:${HOST}`) this.regDialogs.push(createUasDialog(request, toTag))
    } else if (request.method === 'SUBSCRIBE') {
      request.headers.prepend('Record-Route', `<sip:orig@${SCSCF};lr>`)
      const dialog = createUasDialog(request, toTag)
      this.dialogs.push(dialog)
    }
    const response = createResponse(request, 200, {
      toTag,
      headers: [
        ...request.headers.getAll('Record-Route').map((value) => ['Record-Route', value] as const),
        ['Expires', String(expires(request) ?? 3_600)],
        ['SIP-ETag', newTag(systemRandom)],
        ['Contact', `<sip:presence-1@presence.${DOMAIN}>`],
      ],
    })
    return response
  }

  #register(request: SipRequest): SipResponse {
    const { params } = parseAuth(request.headers.get('Authorization') ?? '')
    const param = (name: string): string => params.get(name)?.value ?? ''
    const subscriber = this.#subscribers.get(param('username'))
    if (!subscriber) return createResponse(request, 403, { toTag: 'unknown' })
    const key = `${param('username')} ${callId(request)}`
    const challenge = this.#challenges.get(key)
    const isProtected = param('integrity-protected') === 'yes'
    const isLeaving = expires(request) === 0
    if (isProtected && challenge?.nonce === param('nonce') && this.forgets-- <= 0) {
      this.#challenges.delete(key)
      const right = digestResponse({
        username: param('username'),
        realm: param('realm'),
        password: challenge.xres,
        method: 'REGISTER',
        uri: param('uri'),
        nonce: param('nonce'),
        ...(params.has('qop') ? { qop: 'auth', nc: param('nc'), cnonce: param('cnonce') } : {}),
      })
      if (!sameDigest(param('response'), right)) return createResponse(request, 403, { toTag: 'wrong-res' })
      return this.#grant(request, subscriber)
    }
    return isProtected && isLeaving ? this.#grant(request, subscriber) : this.#challenge(request, key, subscriber)
  }

  #challenge(request: SipRequest, key: string, { keys }: FakeSubscriber): SipResponse {
    this.#sqn += 32n
    const vector = generateVector(keys, { sqn: this.#sqn, amf: Buffer.alloc(2), rand: systemRandom.bytes(16) })
    const nonce = encodeNonce(vector.rand, vector.autn)
    this.#challenges.set(key, { nonce, xres: vector.xres })
    this.#keys.push(vector.ck.reveal(), vector.ik.reveal())
    const hex = (secret: Secret): string => secret.reveal().toString('hex')
    const header =
      `Digest realm="${DOMAIN}",nonce="${nonce}",algorithm=AKAv1-MD5,qop="auth",` +
      `ck="${hex(vector.ck)}",ik="${hex(vector.ik)}"`
    return createResponse(request, 401, { toTag: 'challenge', headers: [['WWW-Authenticate', header]] })
  }

  #grant(request: SipRequest, { impus }: FakeSubscriber): SipResponse {
    const seconds = expires(request) === 0 ? 0 : this.grantSeconds
    const contact = parseNameAddr(request.headers.get('Contact') ?? '')
    const params = [...contact.params].filter(([name]) => name !== 'expires')
    const text = params.map(([name, value]) => (value === true ? `;${name}` : `;${name}=${value}`)).join('')
    return createResponse(request, 200, {
      toTag: 'granted',
      headers: [
        ...(seconds > 0 ? [['Contact', `<${contact.uri}>${text};expires=${seconds}`] as const] : []),
        ['Service-Route', `<sip:orig@${SCSCF};lr>`],
        ...impus.map((impu) => ['P-Associated-URI', `<${impu}>`] as const),
        ['Path', request.headers.get('Path') ?? ''],
      ],
    })
  }
}
