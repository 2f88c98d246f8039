import { type Impi, type Impu, parseImpu, RollcallError, Secret } from '@rollcall/core'
import {
  type AuthenticationVector,
  CxResult,
  type CxServiceClient,
  ServerAssignmentType,
  type ServiceProfile,
  UserAuthorizationType,
} from '@rollcall/proto-gen/cx'
import { callUnary, RpcError } from '@rollcall/runtime'
import type { RefusalReason } from '../refusal.ts'
import type { CxOutcome } from '../registrar/attempt.ts'
import { isDeregistration, type RegisterRequest } from '../registrar/register-request.ts'
import type { RegistrarCx } from '../registrar/registrar.ts'
import type { EndedRegistration, EndReason } from '../registrations/ended-registration.ts'
import type { LocatedIdentity } from '../replicas/canonical-identities.ts'
import type { DirectoryCx } from '../session/directory.ts'

export interface CxClientOptions {
  readonly client: CxServiceClient
  /** Our name as the HSS keeps it. */
  readonly serverName: string
  /** The home network, which every user is in. */
  readonly realm: string
  readonly deadlineMs: number
  /** The HSS gave no answer: it is away, or it failed. */
  readonly onUnavailable: (command: CxCommand, code: string) => void
}

export type CxCommand = 'UAR' | 'MAR' | 'SAR' | 'LIR'

/** Octets of a vector's parts (TS 33.102 clause 6.3.2; RES as TS 33.102 clause 6.3.7 has it). */
const RAND_OCTETS = 16
const AUTN_OCTETS = 16
const KEY_OCTETS = 16
const XRES_OCTETS_MIN = 4
const XRES_OCTETS_MAX = 16

const NO_RESYNC = Buffer.alloc(0)

/** What the HSS is told of each end (TS 29.228 clause 6.1.2.1, TS 29.229 clause 6.3.15). */
const ASSIGNMENT_OF_END = {
  unregistered: ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION,
  expired: ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_TIMEOUT_DEREGISTRATION,
  deactivated: ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION,
  probation: ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION,
  rejected: ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION,
  // Never sent: the HSS has taken the user away.
  moved: ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION,
} as const satisfies Record<EndReason, ServerAssignmentType>

/**
 * Cx as the S-CSCF and the I-CSCF in it speak it. Nothing here rejects: a refusal by the HSS and an HSS that is away are
 * outcomes, each with its own answer in SIP (TS 29.228 clause 6.1 and annex A).
 */
export class CxClient implements RegistrarCx, DirectoryCx {
  readonly #options: CxClientOptions

  constructor(options: CxClientOptions) {
    this.#options = options
  }

  async authorize(request: RegisterRequest): Promise<CxOutcome<object>> {
    const { client, realm } = this.#options
    const { impi, impu, traceparent } = request
    const type = isDeregistration(request)
      ? UserAuthorizationType.USER_AUTHORIZATION_TYPE_DE_REGISTRATION
      : UserAuthorizationType.USER_AUTHORIZATION_TYPE_REGISTRATION
    const message = { impi, impu, visitedNetwork: realm, type }
    const answer = await this.#call('UAR', client.userAuthorization.bind(client), message, traceparent)
    return outcomeOf(answer, () => ({ kind: 'success' }))
  }

  async fetchVector(
    request: RegisterRequest,
    resync: Buffer | undefined,
  ): Promise<CxOutcome<{ readonly vector: VectorSecrets }>> {
    const { client, serverName } = this.#options
    const { impi, impu, traceparent } = request
    const message = { impi, impu, serverName, resync: resync ?? NO_RESYNC }
    const answer = await this.#call('MAR', client.multimediaAuth.bind(client), message, traceparent)
    return outcomeOf(answer, ({ vector }) => {
      const secrets = vector && readVector(vector)
      return secrets ? { kind: 'success', vector: secrets } : this.#unusable('MAR')
    })
  }

  async assign(
    request: RegisterRequest,
    isReregistration: boolean,
  ): Promise<CxOutcome<{ readonly profile: ServiceProfile }>> {
    const { impi, impu, traceparent } = request
    const type = isReregistration
      ? ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_RE_REGISTRATION
      : ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION
    const answer = await this.#assignment(type, impi, impu, traceparent)
    return outcomeOf(answer, ({ profile }) => {
      if (!profile || !isCanonical(profile.canonicalImpu)) return this.#unusable('SAR')
      return { kind: 'success', profile }
    })
  }

  report(type: 'failure' | 'timeout', impi: Impi, impu: Impu): void {
    const assignment =
      type === 'failure'
        ? ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_FAILURE
        : ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_TIMEOUT
    void this.#assignment(assignment, impi, impu, '')
  }

  /** Tells that a private identity has no contact any more; false when the HSS could not be told. */
  async deassign({ impi, impu, reason }: EndedRegistration): Promise<boolean> {
    return (await this.#assignment(ASSIGNMENT_OF_END[reason], impi, impu, '')) !== undefined
  }

  /** LIR alone: the set that an identity belongs to, whether anybody serves it or not. */
  async canonicalOf(impu: Impu): Promise<LocatedIdentity> {
    const { client } = this.#options
    const location = await this.#call('LIR', client.locationInfo.bind(client), { impu }, undefined)
    if (!location) return { kind: 'unavailable' }
    if (location.result === CxResult.CX_RESULT_USER_UNKNOWN) return { kind: 'unknown' }
    if (!isCanonical(location.canonicalImpu)) return this.#unusable('LIR')
    return { kind: 'known', canonicalImpu: location.canonicalImpu as Impu }
  }

  async locate(impu: Impu): ReturnType<DirectoryCx['locate']> {
    const { client } = this.#options
    const location = await this.#call('LIR', client.locationInfo.bind(client), { impu }, undefined)
    if (!location || location.result === CxResult.CX_RESULT_UNABLE_TO_COMPLY) return { kind: 'unavailable' }
    if (location.result === CxResult.CX_RESULT_USER_UNKNOWN) return { kind: 'unknown' }
    const isServed =
      location.result === CxResult.CX_RESULT_SUCCESS || location.result === CxResult.CX_RESULT_UNREGISTERED_SERVICE
    if (!isServed) return { kind: 'no-services' }
    const type = ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_UNREGISTERED_USER
    const assignment = await this.#assignment(type, '', impu, undefined)
    if (!assignment) return { kind: 'unavailable' }
    const { result, profile } = assignment
    if (result === CxResult.CX_RESULT_USER_UNKNOWN) return { kind: 'unknown' }
    if (result !== CxResult.CX_RESULT_SUCCESS || !profile) return { kind: 'no-services' }
    return { kind: 'unregistered', canonicalImpu: profile.canonicalImpu as Impu, profile }
  }

  async #assignment(
    type: ServerAssignmentType,
    impi: string,
    impu: Impu,
    traceparent: string | undefined,
  ): Promise<{ readonly result: CxResult; readonly profile: ServiceProfile | undefined } | undefined> {
    const { client, serverName } = this.#options
    // Choice: the profile is asked for at each REGISTER, so that a PPR that did not come is made good by the next one.
    const message = { impi, impu, serverName, type, userDataAlreadyAvailable: false }
    return await this.#call('SAR', client.serverAssignment.bind(client), message, traceparent)
  }

  /** The answer, or undefined when there is none. */
  async #call<Req, Res>(
    command: CxCommand,
    method: Parameters<typeof callUnary<Req, Res>>[0],
    message: Req,
    traceparent: string | undefined,
  ): Promise<Res | undefined> {
    const { deadlineMs, onUnavailable } = this.#options
    try {
      return await callUnary(method, message, { deadlineMs, ...(traceparent && { parent: traceparent }) })
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      onUnavailable(command, error.code)
      return undefined
    }
  }

  #unusable(command: CxCommand): { readonly kind: 'unavailable' } {
    this.#options.onUnavailable(command, 'ANSWER_UNUSABLE')
    return { kind: 'unavailable' }
  }
}

/** A vector whose secret parts are kept as such. */
interface VectorSecrets {
  readonly rand: Buffer
  readonly autn: Buffer
  readonly xres: Secret
  readonly ck: Secret
  readonly ik: Secret
}

function outcomeOf<A extends { readonly result: CxResult }, T>(
  answer: A | undefined,
  success: (answer: A) => CxOutcome<T>,
): CxOutcome<T> {
  if (!answer) return { kind: 'unavailable' }
  if (SUCCESSES.has(answer.result)) return success(answer)
  // What the HSS cannot do now it may do later.
  if (answer.result === CxResult.CX_RESULT_UNABLE_TO_COMPLY) return { kind: 'unavailable' }
  return { kind: 'refused', reason: reasonOf(answer.result) }
}

/** DIAMETER_SUCCESS, and what UAA says of a user who may register (TS 29.229 clause 6.2.1). */
const SUCCESSES: ReadonlySet<CxResult> = new Set([
  CxResult.CX_RESULT_SUCCESS,
  CxResult.CX_RESULT_FIRST_REGISTRATION,
  CxResult.CX_RESULT_SUBSEQUENT_REGISTRATION,
  CxResult.CX_RESULT_SUCCESS_SERVER_NAME_NOT_STORED,
])

/** TS 29.228 annex A: each of these is 403 in SIP. */
function reasonOf(result: CxResult): RefusalReason {
  switch (result) {
    case CxResult.CX_RESULT_USER_UNKNOWN:
      return 'user-unknown'
    case CxResult.CX_RESULT_IDENTITIES_DONT_MATCH:
      return 'identities-dont-match'
    case CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED:
      return 'identity-not-registered'
    case CxResult.CX_RESULT_ROAMING_NOT_ALLOWED:
      return 'roaming-not-allowed'
    case CxResult.CX_RESULT_IDENTITY_ALREADY_REGISTERED:
      return 'other-server'
    default:
      return 'hss-refused'
  }
}

function readVector({ rand, autn, xres, ck, ik }: AuthenticationVector): VectorSecrets | undefined {
  const isWhole =
    rand.length === RAND_OCTETS &&
    autn.length === AUTN_OCTETS &&
    xres.length >= XRES_OCTETS_MIN &&
    xres.length <= XRES_OCTETS_MAX &&
    ck.length === KEY_OCTETS &&
    ik.length === KEY_OCTETS
  if (!isWhole) return undefined
  return { rand, autn, xres: new Secret(xres), ck: new Secret(ck), ik: new Secret(ik) }
}

function isCanonical(canonicalImpu: string): boolean {
  try {
    return parseImpu(canonicalImpu) === canonicalImpu
  } catch (error) {
    if (error instanceof RollcallError) return false
    throw error
  }
}
