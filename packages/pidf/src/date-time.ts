const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/

/**
 * Reads an xs:dateTime (XML Schema part 2 section 3.2.7) into epoch milliseconds; without a zone it counts as UTC.
 * `Choice:` years have four digits. Returns undefined when it is none.
 */
export function parseDateTime(text: string): number | undefined {
  const match = DATE_TIME.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match
  // 24:00:00 is the end of a day in XML Schema and in no other notation: let the arithmetic below carry it over.
  const midnight = hour === '24' && minute === '00' && second === '00' && /^0*$/.test(fraction)
  const clock = `${midnight ? '00' : hour}:${minute}:${second}`
  const milliseconds = fraction.slice(0, 3).padEnd(3, '0')
  const ms = Date.parse(`${year}-${month}-${day}T${clock}.${milliseconds}${zone}`)
  if (Number.isNaN(ms) || Number(day) > daysOf(Number(year), Number(month))) return undefined
  return midnight ? ms + 86_400_000 : ms
}

/** Writes epoch milliseconds as an xs:dateTime in UTC. */
export function formatDateTime(ms: number): string {
  return new Date(ms).toISOString()
}

function daysOf(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}
