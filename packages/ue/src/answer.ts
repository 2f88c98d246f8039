import type { RollcallError } from '@rollcall/core'
import { parseRetryAfter, type SipResponse, SipSyntaxError } from '@rollcall/sip'
import { MalformedAnswerError, NoAnswerError, NotRegisteredError, type Refusal } from './errors.ts'

export function isSuccess(response: SipResponse): boolean {
  return response.status >= 200 && response.status < 300
}

/** What a final response other than 2xx says to its reader. */
export function refusalOf(response: SipResponse): Refusal {
  const { status, reason } = response
  const retryAfter = response.headers.get('Retry-After')
  return { status, reason, ...(retryAfter === undefined ? {} : { retryAfterSeconds: readRetryAfter(retryAfter) }) }
}

/**
 * Reads a header field of an answer.
 *
 * @throws MalformedAnswerError when `read` finds its grammar broken.
 */
export function readAnswer<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof SipSyntaxError) throw new MalformedAnswerError(cause.message, { cause })
    throw cause
  }
}

/** Whether the same request may do better later: nobody was there, or whoever was there could not. */
export function isTransient(error: RollcallError): boolean {
  if (error instanceof NoAnswerError || error instanceof NotRegisteredError) return true
  return 'status' in error && typeof error.status === 'number' && (error.status >= 500 || error.status === 408)
}

/** When to try again after a failure: as the network says, else after `otherwiseMs`. */
export function retryAfterMs(error: RollcallError, otherwiseMs: number): number {
  const seconds = 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined
  return typeof seconds === 'number' ? seconds * 1000 : otherwiseMs
}

/** A hint that cannot be read is no hint. */
function readRetryAfter(text: string): number | undefined {
  try {
    return parseRetryAfter(text)
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}
