import type { ForwardOutcome } from './forwarder.ts'

/** 408, 5xx, or no answer at all: what default handling is for (TS 24.229 clause 5.4.3.2 step 12). */
export function isServerFailure(outcome: ForwardOutcome): boolean {
  if (outcome.kind === 'failed') return true
  const { status } = outcome.response
  return status === 408 || (status >= 500 && status < 600)
}
