import { parseSipUri, SipSyntaxError } from '@rollcall/sip'

/**
 * Our Contact: it names the partition, so that requests in a dialog find its owner (readings, SIP hop 4). `host` is as
 * the peer knows it, with a port if that is not the default.
 */
export function partitionContact(partition: number, host: string): string {
  return `<sip:presence-${partition}@${host}>`
}

/** The partition that a Request-URI names, if it is a Contact of ours. */
export function partitionOfContact(uri: string, host: string): number | undefined {
  try {
    const parsed = parseSipUri(uri)
    const match = /^presence-(0|[1-9]\d{0,3})$/.exec(parsed.user ?? '')
    const at = parsed.port === undefined ? parsed.host : `${parsed.host}:${parsed.port}`
    return match && at.toLowerCase() === host ? Number(match[1]) : undefined
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}
