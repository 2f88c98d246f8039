import { SipSyntaxError } from './errors.ts'

/** Thousandths: a qvalue has three decimals at most. */
const STEPS = 1_000

/**
 * Reads `qvalue`: 0 to 1 with three decimals at most.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 25.1
 */
export function parseQvalue(value: string | true, header: string): number {
  if (value === true || !/^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(value)) {
    throw new SipSyntaxError(header, 'has a q that is none')
  }
  return Number(value)
}

export function formatQvalue(q: number): string {
  return String(Math.round(q * STEPS) / STEPS)
}
