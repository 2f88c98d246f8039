import { SipSyntaxError } from '../errors.ts'

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const SIP_DATE = /^([A-Za-z]{3}), ([0-9]{2}) ([A-Za-z]{3}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT$/i

/**
 * Reads Date as epoch milliseconds. The zone is GMT, and no other.
 *
 * @throws SipSyntaxError also for a day that there is not, or another weekday than the date's.
 * @see RFC 3261 section 20.17
 */
export function parseDate(text: string): number {
  const match = SIP_DATE.exec(text)
  if (!match) throw new SipSyntaxError('Date', 'is no date in GMT')
  const [, weekday = '', day, monthName = '', year, hour, minute, second] = match
  const month = MONTHS.findIndex((name) => name.toLowerCase() === monthName.toLowerCase())
  const ms = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second))
  // What overflowed (32 January, 24 o'clock) was carried over, and is written in another way.
  if (month < 0 || formatDate(ms).toLowerCase() !== `${weekday}, ${text.slice(5)}`.toLowerCase()) {
    throw new SipSyntaxError('Date', 'is no day and time that there are')
  }
  return ms
}

/** The inverse, without the fraction of a second. */
export function formatDate(epochMs: number): string {
  const date = new Date(epochMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `${day} ${String(date.getUTCFullYear()).padStart(4, '0')} ${time} GMT`
}

/** Timestamp of a request, and in a response how long it took to answer. */
export interface Timestamp {
  /** As it came: the sender's own units, and it gets them back octet for octet. */
  readonly time: string
  readonly delaySeconds: number | undefined
}

/**
 * Reads Timestamp.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 20.38
 */
export function parseTimestamp(text: string): Timestamp {
  const match = /^([0-9]+(?:\.[0-9]*)?)(?:[ \t]+([0-9]*(?:\.[0-9]*)?))?$/.exec(text)
  if (!match?.[1]) throw new SipSyntaxError('Timestamp', 'is no time')
  const delay = match[2]
  if (delay === '.') throw new SipSyntaxError('Timestamp', 'has a delay that is none')
  return { time: match[1], delaySeconds: delay === undefined || delay === '' ? undefined : Number(delay) }
}
