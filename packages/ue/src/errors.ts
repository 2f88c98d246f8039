import { RollcallError } from '@rollcall/core'

/** A credentials file cannot be used; `problems` holds every fault, by field, and never a key. */
export class CredentialsError extends RollcallError {
  override readonly name = 'CredentialsError'
  readonly code = 'UE_CREDENTIALS'
  readonly source: string
  readonly problems: readonly string[]
  constructor(source: string, problems: readonly string[], options?: ErrorOptions) {
    super(`${source}: ${problems.join('; ')}`, options)
    this.source = source
    this.problems = problems
  }
}

/** The file that holds an ISIM's state is damaged. Starting anew would let old challenges in, so nobody guesses. */
export class IsimFileError extends RollcallError {
  override readonly name = 'IsimFileError'
  readonly code = 'UE_ISIM_FILE'
  readonly file: string
  constructor(file: string, options?: ErrorOptions) {
    super(`${file} is not the state of an ISIM`, options)
    this.file = file
  }
}

/** Another process has the ISIM, and does not give it back. */
export class IsimBusyError extends RollcallError {
  override readonly name = 'IsimBusyError'
  readonly code = 'UE_ISIM_BUSY'
  readonly file: string
  constructor(file: string) {
    super(`another process has the ISIM of ${file}`)
    this.file = file
  }
}

/** The UE's address or port is taken or not ours: as a rule another UE runs with these credentials. */
export class UeAddressError extends RollcallError {
  override readonly name = 'UeAddressError'
  readonly code = 'UE_ADDRESS'
  readonly address: string
  readonly port: number
  constructor(address: string, port: number, options?: ErrorOptions) {
    super(`cannot open ${address}:${port}: does another UE use these credentials?`, options)
    this.address = address
    this.port = port
  }
}

/** Nobody answered within Timer F: the P-CSCF is dead, or holds no SA of ours any more. */
export class NoAnswerError extends RollcallError {
  override readonly name = 'NoAnswerError'
  readonly code = 'UE_NO_ANSWER'
  readonly method: string
  constructor(method: string) {
    super(`the P-CSCF did not answer a ${method}`)
    this.method = method
  }
}

/** The message is longer than the access can carry. At another user agent this would be a 513. */
export class MessageTooLargeError extends RollcallError {
  override readonly name = 'MessageTooLargeError'
  readonly code = 'UE_MESSAGE_TOO_LARGE'
  readonly bytes: number
  readonly bytesMax: number
  constructor(bytes: number, bytesMax: number) {
    super(`the message has ${bytes} octets, at most ${bytesMax} can be sent`)
    this.bytes = bytes
    this.bytesMax = bytesMax
  }
}

/** The UE has been closed. */
export class UeClosedError extends RollcallError {
  override readonly name = 'UeClosedError'
  readonly code = 'UE_CLOSED'
  constructor() {
    super('the UE is switched off')
  }
}

/** This needs a registration, and there is none (any more). */
export class NotRegisteredError extends RollcallError {
  override readonly name = 'NotRegisteredError'
  readonly code = 'UE_NOT_REGISTERED'
  constructor() {
    super('the UE is not registered')
  }
}

/** The network refused a REGISTER. */
export class RegistrationRefusedError extends RollcallError {
  override readonly name = 'RegistrationRefusedError'
  readonly code = 'UE_REGISTRATION_REFUSED'
  readonly status: number
  readonly reason: string
  readonly retryAfterSeconds: number | undefined
  constructor(answer: Refusal) {
    super(`the registration was refused: ${answer.status} ${answer.reason}`)
    this.status = answer.status
    this.reason = answer.reason
    this.retryAfterSeconds = answer.retryAfterSeconds
  }
}

/**
 * The network could not prove itself: twice running its MAC was wrong, or its SQN out of range although we had sent ours.
 *
 * @see TS 24.229 clause 5.1.1.5.3
 */
export class NetworkAuthenticationError extends RollcallError {
  override readonly name = 'NetworkAuthenticationError'
  readonly code = 'UE_NETWORK_AUTHENTICATION'
  readonly fault: 'mac' | 'sqn'
  constructor(fault: 'mac' | 'sqn') {
    super(fault === 'mac' ? 'the network does not know our key' : 'the network keeps sending SQNs out of range')
    this.fault = fault
  }
}

/** The P-CSCF offers no protection that we accept: nothing is sent, least of all unprotected. */
export class SecurityAgreementFailedError extends RollcallError {
  override readonly name = 'SecurityAgreementFailedError'
  readonly code = 'UE_SECURITY_AGREEMENT'
  readonly detail: string
  /** The 401 had no Security-Server, or one that cannot be read: a new attempt may fare better. */
  readonly isIncomplete: boolean
  constructor(detail: string, options: ErrorOptions & { isIncomplete?: boolean } = {}) {
    super(`no security agreement: ${detail}`, options)
    this.detail = detail
    this.isIncomplete = options.isIncomplete ?? false
  }
}

/** An answer of the network lacks what it must have, or breaks its grammar. */
export class MalformedAnswerError extends RollcallError {
  override readonly name = 'MalformedAnswerError'
  readonly code = 'UE_MALFORMED_ANSWER'
  readonly detail: string
  constructor(detail: string, options?: ErrorOptions) {
    super(`an answer cannot be used: ${detail}`, options)
    this.detail = detail
  }
}

/** The network refused a PUBLISH. 412 means that the entity-tag is not known any more (RFC 3903 section 6). */
export class PublicationRefusedError extends RollcallError {
  override readonly name = 'PublicationRefusedError'
  readonly code = 'UE_PUBLICATION_REFUSED'
  readonly status: number
  readonly reason: string
  readonly retryAfterSeconds: number | undefined
  constructor(answer: Refusal) {
    super(`the publication was refused: ${answer.status} ${answer.reason}`)
    this.status = answer.status
    this.reason = answer.reason
    this.retryAfterSeconds = answer.retryAfterSeconds
  }
}

/** The network refused a SUBSCRIBE. */
export class SubscriptionRefusedError extends RollcallError {
  override readonly name = 'SubscriptionRefusedError'
  readonly code = 'UE_SUBSCRIPTION_REFUSED'
  readonly status: number
  readonly reason: string
  readonly retryAfterSeconds: number | undefined
  constructor(answer: Refusal) {
    super(`the subscription was refused: ${answer.status} ${answer.reason}`)
    this.status = answer.status
    this.reason = answer.reason
    this.retryAfterSeconds = answer.retryAfterSeconds
  }
}

/** What a final response other than 2xx says. */
export interface Refusal {
  readonly status: number
  readonly reason: string
  readonly retryAfterSeconds?: number | undefined
}

/** No NOTIFY came in the time that was given. */
export class NoNotificationError extends RollcallError {
  override readonly name = 'NoNotificationError'
  readonly code = 'UE_NO_NOTIFICATION'
  readonly waitedMs: number
  constructor(waitedMs: number) {
    super(`no NOTIFY came within ${waitedMs} ms`)
    this.waitedMs = waitedMs
  }
}

/** The subscription has ended: by us, by the notifier, or because it could not be refreshed. */
export class SubscriptionEndedError extends RollcallError {
  override readonly name = 'SubscriptionEndedError'
  readonly code = 'UE_SUBSCRIPTION_ENDED'
  readonly reason: string
  constructor(reason: string) {
    super(`the subscription has ended: ${reason}`)
    this.reason = reason
  }
}

/** The publication has been removed, or the network does not know it any more. */
export class PublicationEndedError extends RollcallError {
  override readonly name = 'PublicationEndedError'
  readonly code = 'UE_PUBLICATION_ENDED'
  constructor() {
    super('the publication has been removed')
  }
}
