import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SipMessage } from './message.ts'
import { parseMessage } from './parse-message.ts'
import { serializeMessage } from './serialize-message.ts'
import { tortureMessage } from './testing/rfc4475.ts'
import { answerStatelessly } from './testing/stateless-uas.ts'

/** What a UAS does with a message: the status that it answers, or for a response whether it is taken or dropped. */
type TortureAnswer = number | 'taken' | 'dropped'

/** A message of RFC 4475. */
interface TortureMessage {
  /** Its file in rfc4475/, and the start of its Call-ID. */
  readonly name: string
  /** What the RFC tests with it. */
  readonly title: string
  readonly section: string
  readonly answer: TortureAnswer
  /** Where the RFC leaves a choice: ours, and its reason. */
  readonly choice?: string
}

/** RFC 4475 section 3.1.1: valid messages. */
const VALID: readonly TortureMessage[] = [
  { name: 'wsinv', title: 'A Short Tortuous INVITE', section: 'RFC 4475 section 3.1.1.1', answer: 200 },
  {
    name: 'intmeth',
    title: 'Wide Range of Valid Characters',
    section: 'RFC 4475 section 3.1.1.2',
    answer: 501,
    choice: 'well-formed; the method is none that anybody registered, so it is not implemented',
  },
  { name: 'esc01', title: 'Valid Use of the % Escaping Mechanism', section: 'RFC 4475 section 3.1.1.3', answer: 200 },
  { name: 'escnull', title: 'Escaped Nulls in URIs', section: 'RFC 4475 section 3.1.1.4', answer: 200 },
  {
    name: 'esc02',
    title: 'Use of % When It Is Not an Escape',
    section: 'RFC 4475 section 3.1.1.5',
    answer: 501,
    choice: 'RE%47IST%45R is a token and not REGISTER: escapes exist in URIs only',
  },
  {
    name: 'lwsdisp',
    title: 'Message with No LWS between Display Name and <',
    section: 'RFC 4475 section 3.1.1.6',
    answer: 200,
  },
  { name: 'longreq', title: 'Long Values in Header Fields', section: 'RFC 4475 section 3.1.1.7', answer: 200 },
  {
    name: 'dblreq',
    title: 'Extra Trailing Octets in a UDP Datagram',
    section: 'RFC 4475 section 3.1.1.8',
    answer: 200,
    choice: 'the REGISTER is answered; what stands behind its Content-Length is not looked at',
  },
  {
    name: 'semiuri',
    title: 'Semicolon-Separated Parameters in URI User Part',
    section: 'RFC 4475 section 3.1.1.9',
    answer: 200,
  },
  {
    name: 'transports',
    title: 'Varied and Unknown Transport Types',
    section: 'RFC 4475 section 3.1.1.10',
    answer: 200,
  },
  { name: 'mpart01', title: 'Multipart MIME Message', section: 'RFC 4475 section 3.1.1.11', answer: 200 },
  { name: 'unreason', title: 'Unusual Reason Phrase', section: 'RFC 4475 section 3.1.1.12', answer: 'taken' },
  { name: 'noreason', title: 'Empty Reason Phrase', section: 'RFC 4475 section 3.1.1.13', answer: 'taken' },
]

const STRICT = 'the RFC lets an element guess what was meant; two elements could guess differently, so we refuse'

/** RFC 4475 section 3.1.2: invalid messages. */
const INVALID: readonly TortureMessage[] = [
  { name: 'badinv01', title: 'Extraneous Header Field Separators', section: 'RFC 4475 section 3.1.2.1', answer: 400 },
  { name: 'clerr', title: 'Content Length Larger Than Message', section: 'RFC 4475 section 3.1.2.2', answer: 400 },
  { name: 'ncl', title: 'Negative Content-Length', section: 'RFC 4475 section 3.1.2.3', answer: 400 },
  {
    name: 'scalar02',
    title: 'Request Scalar Fields with Overlarge Values',
    section: 'RFC 4475 section 3.1.2.4',
    answer: 400,
  },
  {
    name: 'scalarlg',
    title: 'Response Scalar Fields with Overlarge Values',
    section: 'RFC 4475 section 3.1.2.5',
    answer: 'dropped',
  },
  {
    name: 'quotbal',
    title: 'Unterminated Quoted String in Display Name',
    section: 'RFC 4475 section 3.1.2.6',
    answer: 400,
    choice: STRICT,
  },
  {
    name: 'ltgtruri',
    title: '<> Enclosing Request-URI',
    section: 'RFC 4475 section 3.1.2.7',
    answer: 400,
    choice: STRICT,
  },
  {
    name: 'lwsruri',
    title: 'Malformed SIP Request-URI (embedded LWS)',
    section: 'RFC 4475 section 3.1.2.8',
    answer: 400,
    choice: STRICT,
  },
  {
    name: 'lwsstart',
    title: 'Multiple SP Separating Request-Line Elements',
    section: 'RFC 4475 section 3.1.2.9',
    answer: 400,
    choice: STRICT,
  },
  {
    name: 'trws',
    title: 'SP Characters at End of Request-Line',
    section: 'RFC 4475 section 3.1.2.10',
    answer: 400,
    choice: STRICT,
  },
  {
    name: 'escruri',
    title: 'Escaped Headers in SIP Request-URI',
    section: 'RFC 4475 section 3.1.2.11',
    answer: 400,
    choice: 'headers in a Request-URI are forbidden; to apply them would let a sender route by them',
  },
  {
    name: 'baddate',
    title: 'Invalid Time Zone in Date Header Field',
    section: 'RFC 4475 section 3.1.2.12',
    answer: 400,
    choice: 'who reads Date refuses what is no date; a node that has no use for Date does not read it',
  },
  {
    name: 'regbadct',
    title: 'Failure to Enclose name-addr URI in <>',
    section: 'RFC 4475 section 3.1.2.13',
    answer: 400,
    choice: STRICT,
  },
  {
    name: 'badaspec',
    title: 'Spaces within addr-spec',
    section: 'RFC 4475 section 3.1.2.14',
    answer: 400,
    choice: STRICT,
  },
  {
    name: 'baddn',
    title: 'Non-token Characters in Display Name',
    section: 'RFC 4475 section 3.1.2.15',
    answer: 400,
    choice: STRICT,
  },
  { name: 'badvers', title: 'Unknown Protocol Version', section: 'RFC 4475 section 3.1.2.16', answer: 505 },
  {
    name: 'mismatch01',
    title: 'Start Line and CSeq Method Mismatch',
    section: 'RFC 4475 section 3.1.2.17',
    answer: 400,
  },
  {
    name: 'mismatch02',
    title: 'Unknown Method with CSeq Method Mismatch',
    section: 'RFC 4475 section 3.1.2.18',
    answer: 400,
    choice: '400 or 501; whether a message holds together is asked before what it wants',
  },
  { name: 'bigcode', title: 'Overlarge Response Code', section: 'RFC 4475 section 3.1.2.19', answer: 'dropped' },
]

/** RFC 4475 sections 3.2 to 3.4: transaction layer, application layer, backward compatibility. */
const SEMANTICS: readonly TortureMessage[] = [
  {
    name: 'badbranch',
    title: 'Missing Transaction Identifier',
    section: 'RFC 4475 section 3.2.1',
    answer: 400,
    choice: '400 or as RFC 2543; a branch that is the cookie alone is that of every such sender',
  },
  { name: 'insuf', title: 'Missing Required Header Fields', section: 'RFC 4475 section 3.3.1', answer: 400 },
  { name: 'unkscm', title: 'Request-URI with Unknown Scheme', section: 'RFC 4475 section 3.3.2', answer: 416 },
  {
    name: 'novelsc',
    title: 'Request-URI with Known but Atypical Scheme',
    section: 'RFC 4475 section 3.3.3',
    answer: 416,
  },
  {
    name: 'unksm2',
    title: 'Unknown URI Schemes in Header Fields',
    section: 'RFC 4475 section 3.3.4',
    answer: 404,
    choice: 'the message is well-formed; the address-of-record is none of the registrar’s domain',
  },
  { name: 'bext01', title: 'Proxy-Require and Require', section: 'RFC 4475 section 3.3.5', answer: 420 },
  { name: 'invut', title: 'Unknown Content-Type', section: 'RFC 4475 section 3.3.6', answer: 415 },
  {
    name: 'regaut01',
    title: 'Unknown Authorization Scheme',
    section: 'RFC 4475 section 3.3.7',
    answer: 401,
    choice: 'the registrar wants credentials, and those of an unknown scheme are none',
  },
  {
    name: 'multi01',
    title: 'Multiple Values in Single Value Required Fields',
    section: 'RFC 4475 section 3.3.8',
    answer: 400,
  },
  { name: 'mcl01', title: 'Multiple Content-Length Values', section: 'RFC 4475 section 3.3.9', answer: 400 },
  {
    name: 'bcast',
    title: '200 OK Response with Broadcast Via Header Field Value',
    section: 'RFC 4475 section 3.3.10',
    answer: 'dropped',
  },
  {
    name: 'zeromf',
    title: 'Max-Forwards of Zero',
    section: 'RFC 4475 section 3.3.11',
    answer: 200,
    choice: 'for us, so it is answered; a proxy answers 483',
  },
  {
    name: 'cparam01',
    title: 'REGISTER with a Contact Header Parameter',
    section: 'RFC 4475 section 3.3.12',
    answer: 200,
  },
  { name: 'cparam02', title: 'REGISTER with a url-parameter', section: 'RFC 4475 section 3.3.13', answer: 200 },
  { name: 'regescrt', title: 'REGISTER with a URL Escaped Header', section: 'RFC 4475 section 3.3.14', answer: 200 },
  { name: 'sdp01', title: 'Unacceptable Accept Offering', section: 'RFC 4475 section 3.3.15', answer: 406 },
  { name: 'inv2543', title: 'INVITE with RFC 2543 Syntax', section: 'RFC 4475 section 3.4.1', answer: 200 },
]

/** All messages, in the order of the RFC. */
const TORTURE_MESSAGES: readonly TortureMessage[] = [...VALID, ...INVALID, ...SEMANTICS]

/** The one message whose answer needs a registrar that wants credentials. */
const CHALLENGED = 'regaut01'

function outcomeOf(bytes: Buffer, name: string): TortureAnswer {
  const outcome = answerStatelessly(bytes, { wantsCredentials: name === CHALLENGED })
  return outcome.kind === 'answered' ? outcome.answer.status : outcome.kind
}

for (const { name, title, section, answer, choice } of TORTURE_MESSAGES) {
  const why = choice === undefined ? '' : `; Choice: ${choice}`
  test(`${name}, ${title}: ${answer} (${section})${why}`, () => {
    assert.equal(outcomeOf(tortureMessage(name), name), answer)
  })
}

test('there are 49 messages, and each answer can be read again (RFC 4475 section 3)', () => {
  assert.equal(new Set(TORTURE_MESSAGES.map(({ name }) => name)).size, 49)
  for (const { name } of TORTURE_MESSAGES) {
    const outcome = answerStatelessly(tortureMessage(name))
    if (outcome.kind !== 'answered') continue
    const again = parseMessage(serializeMessage(outcome.answer))
    assert.deepEqual([...again.headers.entries()], [...outcome.answer.headers.entries()], name)
  }
})

test('what is well-formed is written so that it is read again as the same (RFC 4475 section 3.1.1)', () => {
  for (const { name, answer } of TORTURE_MESSAGES) {
    if (answer === 400 || answer === 505 || answer === 'dropped') continue
    const message = parseMessage(tortureMessage(name))
    assert.deepEqual(contentOf(parseMessage(serializeMessage(message))), contentOf(message), name)
  }
})

function contentOf(message: SipMessage): unknown {
  const start = message.kind === 'request' ? [message.method, message.uri] : [message.status, message.reason]
  return [start, [...message.headers.entries()], message.body.toString('latin1')]
}
