/**
 * What the hop needs to know of a SIP message, found without parsing it: parsing is for who acts on the message.
 */

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09
const COLON = 0x3a
const UPPER_V = 0x56
const LOWER_V = 0x76

/** Status of a response; 0 for anything else. */
export function responseStatus(sip: Buffer): number {
  // SIP/2.0 200 OK
  if (sip.length < 12 || sip[7] !== SPACE || sip.toString('latin1', 0, 7) !== 'SIP/2.0') return 0
  const status = (digit(sip[8]) * 10 + digit(sip[9])) * 10 + digit(sip[10])
  return status >= 100 && status <= 699 ? status : 0
}

/** Method of a request; `UNKNOWN` when it is no token of letters. */
export function requestMethod(sip: Buffer): string {
  const end = sip.indexOf(SPACE)
  if (end <= 0 || end > 16) return 'UNKNOWN'
  const method = sip.toString('latin1', 0, end)
  return /^[A-Z]{2,16}$/.test(method) ? method : 'UNKNOWN'
}

/**
 * The branch of the topmost Via: by it a response finds its request (RFC 3261 section 18.1.2). Undefined when there is
 * none.
 */
export function responseBranch(sip: Buffer): string | undefined {
  let line = sip.indexOf(LF) + 1
  while (line > 0 && line < sip.length) {
    if (sip[line] === CR || sip[line] === LF) return undefined
    const colon = isVia(sip, line)
    if (colon > 0) return branchIn(sip, colon + 1)
    line = sip.indexOf(LF, line) + 1
  }
  return undefined
}

/** Where the colon stands of a line that is `Via:` or `v:`; 0 when it is another. */
function isVia(sip: Buffer, line: number): number {
  const first = sip[line]
  if (first !== UPPER_V && first !== LOWER_V) return 0
  let at = line + 1
  if ((sip[at] ?? 0) > SPACE && sip[at] !== COLON) {
    if (sip.toString('latin1', line, line + 3).toLowerCase() !== 'via') return 0
    at = line + 3
  }
  while (sip[at] === SPACE || sip[at] === TAB) at += 1
  return sip[at] === COLON ? at : 0
}

/** The `branch` parameter of the first value that starts at `from`; a folded line goes on behind its line break. */
function branchIn(sip: Buffer, from: number): string | undefined {
  let end = sip.indexOf(LF, from)
  while (end >= 0 && (sip[end + 1] === SPACE || sip[end + 1] === TAB)) end = sip.indexOf(LF, end + 1)
  const line = sip.toString('latin1', from, end < 0 ? sip.length : end)
  // A quoted string may hold what looks like a parameter, and a second value has a branch of its own.
  const value = line.includes('"') || line.includes(',') ? firstValue(line) : line
  return /;\s*branch\s*=\s*([^\s;]+)/i.exec(value)?.[1]
}

/** The first of the values that commas part, with quoted strings emptied. */
function firstValue(line: string): string {
  const [value = ''] = line.replace(/"(?:[^"\\]|\\.)*"/gs, '""').split(',', 1)
  return value
}

function digit(octet: number | undefined): number {
  const value = (octet ?? 0) - 0x30
  return value >= 0 && value <= 9 ? value : Number.NaN
}
