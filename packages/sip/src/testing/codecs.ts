import { parseAuth, parseAuthenticationInfo } from '../auth.ts'
import { type BodyPart, formatMultipart, parseMultipart } from '../body/multipart.ts'
import { parseCseq } from '../cseq.ts'
import { parseDeltaSeconds, parseRetryAfter } from '../delta-seconds.ts'
import { formatEvent, parseEvent } from '../event.ts'
import { formatAccessNetworkInfo, parseAccessNetworkInfo } from '../fields/access-network-info.ts'
import {
  formatChargingFunctions,
  formatChargingVector,
  parseChargingFunctions,
  parseChargingVector,
} from '../fields/charging.ts'
import { formatContact, parseContacts, parseFlowTimer, parseKeep } from '../fields/contact.ts'
import { formatDate, parseDate, parseTimestamp } from '../fields/date.ts'
import {
  formatDigestChallenge,
  formatDigestCredentials,
  parseDigestChallenge,
  parseDigestCredentials,
} from '../fields/digest.ts'
import {
  formatAssertedIdentities,
  formatAssociatedUris,
  parseAssertedIdentities,
  parseAssociatedUris,
  parseCalledPartyId,
} from '../fields/identities.ts'
import {
  accepts,
  formatContentType,
  parseAccept,
  parseContentDisposition,
  parseContentType,
} from '../fields/media-type.ts'
import { formatPrivacy, parsePrivacy } from '../fields/privacy.ts'
import { formatRoutes, parseRoutes } from '../fields/routes.ts'
import { formatServedUser, parseServedUser } from '../fields/served-user.ts'
import { formatVisitedNetworkIds, parseVisitedNetworkIds } from '../fields/visited-network-id.ts'
import { formatWarning, parseWarnings } from '../fields/warning.ts'
import { formatIpsecOffer, parseIpsecOffers } from '../ipsec-offer.ts'
import { formatNameAddr, parseNameAddr } from '../name-addr.ts'
import { sameUri } from '../same-uri.ts'
import { formatSecurityMechanism, parseSecurityMechanisms } from '../security-mechanism.ts'
import { formatSipUri, parseSipUri } from '../sip-uri.ts'
import { formatSubscriptionState, parseSubscriptionState } from '../subscription-state.ts'
import { formatTelUri, parseTelUri } from '../tel-uri.ts'
import { formatVia, parseVia } from '../via.ts'

/** A parser of values, and how what it read is written; some are only read. */
export interface Codec {
  readonly name: string
  /** Reads `text`, and gives it back written, where there is a writer. */
  readonly rewrite: (text: string) => string | undefined
  /** What is read, to be compared. */
  readonly read: (text: string) => unknown
}

function codec<T>(name: string, read: (text: string) => T, write?: (value: T) => string | undefined): Codec {
  return { name, read, rewrite: (text) => write?.(read(text)) }
}

const MIXED = parseContentType('multipart/mixed;boundary=b')

/** A boundary may be in a part, but not at the start of a line: then it is read, and cannot be written. */
function writeMultipart(parts: BodyPart[]): string | undefined {
  const isInside = parts.some(
    ({ body, headers }) => body.includes('--b') || [...headers.entries()].join().includes('--b'),
  )
  return isInside ? undefined : formatMultipart(parts, 'b').toString('latin1')
}

/** Every parser of this package that is given text by a peer. */
export const CODECS: readonly Codec[] = [
  codec('Via', parseVia, formatVia),
  codec('name-addr', (text) => parseNameAddr(text), formatNameAddr),
  codec('CSeq', parseCseq),
  codec('delta-seconds', (text) => parseDeltaSeconds(text)),
  codec('Retry-After', parseRetryAfter),
  codec('Flow-Timer', parseFlowTimer),
  codec('keep', (text) => parseKeep(parseVia(`SIP/2.0/UDP a;${text}`).params)),
  codec('Event', parseEvent, formatEvent),
  codec('Subscription-State', parseSubscriptionState, formatSubscriptionState),
  codec('SIP URI', parseSipUri, formatSipUri),
  codec('tel URI', parseTelUri, formatTelUri),
  codec('same URI', (text) => [sameUri(text, `${text} `), sameUri(text, text)]),
  codec('auth', (text) => parseAuth(text)),
  codec('Authentication-Info', parseAuthenticationInfo),
  codec('Digest challenge', (text) => parseDigestChallenge(text), formatDigestChallenge),
  codec('Digest credentials', (text) => parseDigestCredentials(text), formatDigestCredentials),
  codec(
    'Contact',
    (text) => parseContacts([text]),
    (value) => (value === '*' ? value : value.map(formatContact).join(', ')),
  ),
  codec('Route', (text) => parseRoutes([text], 'Route'), formatRoutes),
  codec(
    'P-Asserted-Identity',
    (text) => parseAssertedIdentities([text], 'P-Asserted-Identity'),
    (value) => (value.length === 0 ? '' : formatAssertedIdentities(value)),
  ),
  codec('P-Associated-URI', (text) => parseAssociatedUris([text]), formatAssociatedUris),
  codec('P-Called-Party-ID', parseCalledPartyId, formatNameAddr),
  codec('P-Served-User', parseServedUser, formatServedUser),
  codec('Privacy', (text) => new Set([...parsePrivacy([text])].sort()), formatPrivacy),
  codec('P-Access-Network-Info', (text) => parseAccessNetworkInfo([text]), formatAccessNetworkInfo),
  codec('P-Visited-Network-ID', (text) => parseVisitedNetworkIds([text]), formatVisitedNetworkIds),
  codec('P-Charging-Vector', parseChargingVector, formatChargingVector),
  codec('P-Charging-Function-Addresses', (text) => parseChargingFunctions([text]), formatChargingFunctions),
  codec('Content-Type', parseContentType, formatContentType),
  codec('Content-Disposition', parseContentDisposition),
  codec('Accept', (text) => accepts(parseAccept([text]), 'application/sdp')),
  codec('Date', parseDate, formatDate),
  codec('Timestamp', parseTimestamp),
  codec(
    'Warning',
    (text) => parseWarnings([text]),
    (value) => value.map(formatWarning).join(', '),
  ),
  codec(
    'sec-mechanism',
    (text) => parseSecurityMechanisms([text]),
    (value) => value.map(formatSecurityMechanism).join(', '),
  ),
  codec(
    'ipsec-3gpp',
    (text) => parseIpsecOffers(parseSecurityMechanisms([text])),
    (value) => (value.length === 0 ? undefined : value.map(formatIpsecOffer).join(', ')),
  ),
  codec('multipart', (text) => parseMultipart(Buffer.from(text, 'latin1'), MIXED).map(contentOfPart), undefined),
  codec('multipart, written', (text) => parseMultipart(Buffer.from(text, 'latin1'), MIXED), writeMultipart),
]

function contentOfPart({ headers, body }: BodyPart): unknown {
  return [[...headers.entries()], body.toString('latin1')]
}
