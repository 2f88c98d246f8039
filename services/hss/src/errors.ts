import { RollcallError } from '@rollcall/core'

/** Problems that go into the message: a gRPC status travels in a header block of a few kB. */
const PROBLEMS_SHOWN_MAX = 30

/** What was to be provisioned is wrong; every problem is listed. No problem repeats a secret. */
export class SubscriberInvalidError extends RollcallError {
  override readonly name = 'SubscriberInvalidError'
  readonly code = 'HSS_SUBSCRIBER_INVALID'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(describe(problems))
    this.problems = problems
  }
}

function describe(problems: readonly string[]): string {
  const hidden = problems.length - PROBLEMS_SHOWN_MAX
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).join('; ')
  return hidden > 0 ? `${shown}; and ${hidden} more` : shown
}

/** The subscription, or an identity it names, belongs to somebody already. */
export class SubscriberExistsError extends RollcallError {
  override readonly name = 'SubscriberExistsError'
  readonly code = 'HSS_SUBSCRIBER_EXISTS'
  readonly taken: readonly string[]
  constructor(taken: readonly string[]) {
    super(`already there: ${taken.join(', ')}`)
    this.taken = taken
  }
}

/** No such subscription or identity. */
export class SubscriberUnknownError extends RollcallError {
  override readonly name = 'SubscriberUnknownError'
  readonly code = 'HSS_SUBSCRIBER_UNKNOWN'
  constructor() {
    super('no such subscriber')
  }
}

/** Nobody of this name has a password in this realm. Which of the two it is, is not told. */
export class DigestCredentialsUnknownError extends RollcallError {
  override readonly name = 'DigestCredentialsUnknownError'
  readonly code = 'HSS_DIGEST_CREDENTIALS_UNKNOWN'
  constructor() {
    super('no password for this user and realm')
  }
}

/** A user has passwords in so many realms that there is no room for another. */
export class TooManyPasswordsError extends RollcallError {
  override readonly name = 'TooManyPasswordsError'
  readonly code = 'HSS_TOO_MANY_PASSWORDS'
  constructor(realmsMax: number) {
    super(`a user has passwords in at most ${realmsMax} realms; take one away first`)
  }
}

/** Somebody else changed the same records again and again while we tried: the caller may try once more. */
export class ConcurrentChangeError extends RollcallError {
  override readonly name = 'ConcurrentChangeError'
  readonly code = 'HSS_CONCURRENT_CHANGE'
  constructor() {
    super('the records were changed by somebody else at the same time; try again')
  }
}

/** A policy is stored, and no Presence Server said in time that it is in force: watchers may be told under the old one. */
export class PolicyNotInForceError extends RollcallError {
  override readonly name = 'PolicyNotInForceError'
  readonly code = 'HSS_POLICY_NOT_IN_FORCE'
  readonly revision: bigint
  constructor(revision: bigint, problem: string) {
    super(
      `the policy is stored as revision ${revision}, but it may not be in force everywhere: no Presence Server said so in time (${problem}); set the same policy again`,
    )
    this.revision = revision
  }
}

/** A request of ours makes no sense: a peer's programming error, not a user's. */
export class RequestInvalidError extends RollcallError {
  override readonly name = 'RequestInvalidError'
  readonly code = 'HSS_REQUEST_INVALID'
}

/** A stored record has a format that this program does not know, or is damaged. */
export class RecordUnreadableError extends RollcallError {
  override readonly name = 'RecordUnreadableError'
  readonly code = 'HSS_RECORD_UNREADABLE'
  readonly recordKey: string
  constructor(recordKey: string, detail: string, options?: ErrorOptions) {
    super(`record ${recordKey}: ${detail}`, options)
    this.recordKey = recordKey
  }
}
