import type { Clock } from '@rollcall/core'
import { formatAuthenticationInfo, type RightProof } from '@rollcall/digest'
import type { HttpAnswer, HttpRequest } from '@rollcall/runtime'
import type { ApEvents } from './events.ts'
import type { Naf, NafTable } from './nafs/naf.ts'
import type { Authenticator } from './ua/authenticator.ts'
import { type ChallengeOptions, challengesFor } from './ua/challenges.ts'
import type { UaOutcome } from './ua/outcome.ts'
import type { UaConnection } from './ua/ua-connection.ts'
import type { User } from './ua/user.ts'
import { requestHeaders } from './zb/headers.ts'
import { assertIdentity } from './zb/intended-identity.ts'
import { RETRY_AFTER, type ZbServers } from './zb/servers.ts'
import { readTarget } from './zb/target.ts'

/** What XCAP has (RFC 4825 section 7), and HEAD, which is a GET. */
const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE']

export interface AuthenticationProxyOptions {
  readonly nafs: NafTable
  readonly authenticator: Authenticator
  readonly challenges: Pick<ChallengeOptions, 'nonces' | 'passwordRealm' | 'passwordAlgorithms'>
  readonly servers: ZbServers
  readonly events: ApEvents
  readonly clock: Clock
}

/**
 * What happens to a request of a UE, in order: whose name was called, who calls, what is wanted, on whose behalf; then it
 * goes to the server behind, with our assertion of who sent it.
 *
 * @see TS 24.109 clause 7, TS 24.109 clause 7.1, TS 33.222 clause 6.1, TS 33.222 clause 6.2, TS 33.141 clause 4.2,
 * TS 24.141 clause 6
 */
export class AuthenticationProxy {
  readonly #o: AuthenticationProxyOptions

  constructor(o: AuthenticationProxyOptions) {
    this.#o = o
  }

  async handle(request: HttpRequest, connection: UaConnection): Promise<HttpAnswer> {
    const { events } = this.#o
    const naf = this.#nafOf(request, connection)
    if (naf === undefined) {
      events.refused('misdirected', undefined, request.traceparent)
      return { status: 421 }
    }
    if (
      countOf(request.rawHeaders, 'authorization') > 1 ||
      countOf(request.rawHeaders, 'x-3gpp-intended-identity') > 1
    ) {
      events.refused('malformed', naf.fqdn, request.traceparent)
      return { status: 400 }
    }
    const outcome = await this.#o.authenticator.authenticate(request, naf, connection)
    if (outcome.kind !== 'user') return this.#notLetIn(request, naf, outcome)
    return proved(await this.#serve(request, naf, outcome.user), request.method, outcome.proof)
  }

  /**
   * Host, and the name in TLS if there was one, are the same NAF's.
   *
   * @see TS 33.222 clause 5.3, TS 24.109 clause 5.3.1, RFC 9110 section 7.4
   */
  #nafOf(request: HttpRequest, connection: UaConnection): Naf | undefined {
    const host = (request.headers.host ?? '').toLowerCase().replace(/:\d{1,5}$/, '')
    // guard: naf-of-connection — a key, or a certificate, that was shown to one NAF is none for another
    if (connection.serverName !== undefined && connection.serverName !== host) return undefined
    return this.#o.nafs.find(host)
  }

  #notLetIn(request: HttpRequest, naf: Naf, outcome: Exclude<UaOutcome, { kind: 'user' }>): HttpAnswer {
    this.#o.events.refused(outcome.reason, naf.fqdn, request.traceparent)
    if (outcome.kind === 'refused') {
      const closes = outcome.closes ?? false
      return { status: outcome.status, headers: outcome.status === 503 ? RETRY_AFTER : {}, closes }
    }
    const { passwordRealm } = this.#o.challenges
    const isPassword = request.headers.authorization?.includes(`"${passwordRealm}"`) ?? false
    const challenges = challengesFor({
      ...this.#o.challenges,
      naf,
      staleRealm: outcome.isStale ? (isPassword ? passwordRealm : naf.gbaRealm) : undefined,
      userAgent: request.headers['user-agent'],
    })
    const closes = outcome.closes ?? false
    // Nothing that HTTP could ask for would let anybody in.
    if (challenges.length === 0) return { status: 403, closes }
    return { status: 401, headers: { 'WWW-Authenticate': challenges }, closes }
  }

  async #serve(request: HttpRequest, naf: Naf, user: User): Promise<HttpAnswer> {
    const startMs = this.#o.clock.monotonic()
    const { events } = this.#o
    const { method } = request
    const target = readTarget(request.target, naf)
    const auid = target.kind === 'document' ? target.auid : ''
    const answer = await this.#forward(request, naf, user, target)
    const ms = this.#o.clock.monotonic() - startMs
    events.served({
      user,
      naf: naf.fqdn,
      method: METHODS.includes(method) ? method : 'other',
      auid,
      status: answer.status,
      ms,
      traceparent: request.traceparent,
    })
    return answer
  }

  async #forward(
    request: HttpRequest,
    naf: Naf,
    user: User,
    target: ReturnType<typeof readTarget>,
  ): Promise<HttpAnswer> {
    const { events, servers } = this.#o
    const { method, body, signal, traceparent } = request
    if (!METHODS.includes(method)) {
      events.refused('method', naf.fqdn, traceparent)
      return { status: 405, headers: { Allow: METHODS.join(', ') } }
    }
    if (target.kind === 'refused') {
      events.refused(`target-${target.reason}`, naf.fqdn, traceparent)
      return { status: target.status }
    }
    const assertion = assertIdentity(request.headers['x-3gpp-intended-identity'], user)
    if (assertion.kind === 'refused') {
      events.identityRefused(assertion.reason, user, naf.fqdn, traceparent)
      return { status: assertion.status }
    }
    const headers = requestHeaders(request, naf.fqdn, assertion, user.flags)
    return servers.send({ route: target.route, method, path: target.path, headers, body, signal })
  }
}

/** An answer with the proof that we, too, know the key (TS 24.109 clause 5.2.2). */
function proved(answer: HttpAnswer, method: string, proof: RightProof | undefined): HttpAnswer {
  if (proof === undefined) return answer
  const isBodiless = method === 'HEAD' || answer.status === 204 || answer.status === 304
  const body = isBodiless || answer.body === undefined ? Buffer.alloc(0) : Buffer.from(answer.body)
  return {
    ...answer,
    headers: { ...answer.headers, 'Authentication-Info': formatAuthenticationInfo(proof.answer(body)) },
  }
}

function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === name) count += 1
  return count
}
