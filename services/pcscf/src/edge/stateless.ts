import { ALLOWED_METHODS, type Refusal } from './local-answers.ts'

const ALLOW = ['Allow', ALLOWED_METHODS.join(', ')] as const

/** What is answered on the spot, or goes on to a handler. */
export type Dispatch =
  | { readonly kind: 'handle'; readonly as: 'register' | 'originate' }
  | { readonly kind: 'answer'; readonly refusal: Refusal }
  | { readonly kind: 'absorb' }

/**
 * What becomes of a protected request by its method. There are no sessions here: INVITE and MESSAGE are not allowed, and
 * an ACK belongs to an INVITE that was refused. Each answer is made without keeping anything.
 *
 * @see RFC 3261 sections 8.2.1, 9.2 and 11.2; readings, SIP hop 10
 */
export function dispatch(method: string): Dispatch {
  switch (method) {
    case 'REGISTER':
      return { kind: 'handle', as: 'register' }
    case 'SUBSCRIBE':
    case 'PUBLISH':
      return { kind: 'handle', as: 'originate' }
    case 'ACK':
      return { kind: 'absorb' }
    case 'OPTIONS':
      return {
        kind: 'answer',
        refusal: { status: 200, reason: 'options', headers: [ALLOW, ['Supported', 'path, sec-agree']] },
      }
    case 'CANCEL':
      // Nothing that we forward can be cancelled.
      return { kind: 'answer', refusal: { status: 481, reason: 'cancel' } }
    default:
      return { kind: 'answer', refusal: { status: 405, reason: 'method-not-allowed', headers: [ALLOW] } }
  }
}

/**
 * The same without protection: there only a REGISTER may come.
 *
 * @see TS 33.203 clause 7.1
 */
export function dispatchUnprotected(method: string): Dispatch {
  switch (method) {
    case 'REGISTER':
    case 'ACK':
      return dispatch(method)
    default:
      // guard: unprotected-register — without protection there is nothing but REGISTER
      return { kind: 'answer', refusal: { status: 403, reason: 'unprotected-request' } }
  }
}
