import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMultipart } from './body/multipart.ts'
import { checkRequest } from './check-request.ts'
import { type ContactValue, parseContacts } from './fields/contact.ts'
import { parseContentType } from './fields/media-type.ts'
import type { SipRequest, SipResponse } from './message.ts'
import { cseq, from, maxForwards, to, topVia, toUri } from './message-fields.ts'
import { parseMessage } from './parse-message.ts'
import { parseSipUri, sameSipUri } from './sip-uri.ts'
import { tortureMessage } from './testing/rfc4475.ts'
import { answerStatelessly } from './testing/stateless-uas.ts'
import { parseVia } from './via.ts'

function request(name: string): SipRequest {
  const message = parseMessage(tortureMessage(name))
  assert.ok(message.kind === 'request')
  return message
}

function response(name: string): SipResponse {
  const message = parseMessage(tortureMessage(name))
  assert.ok(message.kind === 'response')
  return message
}

function contactsOf({ headers }: SipRequest): ContactValue[] {
  const contacts = parseContacts(headers.getAll('Contact'))
  assert.ok(contacts !== '*')
  return contacts
}

test('wsinv: folds, blanks, escapes, compact forms and leading zeros are undone (RFC 4475 section 3.1.1.1)', () => {
  const message = request('wsinv')
  assert.equal(message.uri, 'sip:vivekg@chair-dnrc.example.com;unknownparam')
  assert.deepEqual(
    [to(message), from(message).displayName, cseq(message), maxForwards(message)],
    [
      { displayName: undefined, uri: 'sip:vivekg@chair-dnrc.example.com', params: new Map([['tag', '1918181833n']]) },
      'J Rosenberg \\"',
      { sequence: 9, method: 'INVITE' },
      68,
    ],
  )
  assert.deepEqual(
    message.headers
      .list('Via')
      .map(parseVia)
      .map(({ transport, host, params }) => [transport, host, params.get('branch')]),
    [
      ['UDP', '192.0.2.2', '390skdjuw'],
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ],
  )
  assert.equal(message.headers.get('Subject'), '')
  assert.equal(message.headers.get('NewFangledHeader'), 'newfangled value continued newfangled value')
  assert.equal(message.headers.get('UnknownHeaderWithUnusualValue'), ';;,,;;,;')
  const contacts = contactsOf(message)
  assert.equal(contacts[0]?.displayName, 'Quoted string ""')
  assert.equal(contacts[0]?.q, 0.33)
  assert.deepEqual([...(contacts[0]?.params.keys() ?? [])], ['newparam', 'secondparam', 'q'])
  assert.equal(message.body.length, 150)
})

test('intmeth: every character of the grammar is read (RFC 4475 section 3.1.1.2)', () => {
  const message = request('intmeth')
  const method = "!interesting-Method0123456789_*+`.%indeed'~"
  assert.equal(message.method, method)
  assert.deepEqual(checkRequest(message).cseq, { sequence: 139122385, method })
  const { user, password, host } = parseSipUri(message.uri)
  assert.deepEqual(
    [user, password, host],
    ["1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)", 'example.com'],
  )
  assert.equal(to(message).displayName, 'BEL:\x07 NUL:\x00 DEL:\x7f')
  assert.equal(from(message).displayName, "token1~` token2'+_ token3*%!.-")
  const fromParam = from(message).params.get("fromparam''~+*_!.-%")
  assert.equal(Buffer.from(String(fromParam), 'latin1').toString('utf8'), '"работающий"')
  const extension = message.headers.get("extensionHeader-!.%*+_`'~")
  assert.equal(Buffer.from(extension ?? '', 'latin1').toString('hex'), 'efbbbfe5a4a7e5819ce99bbb')
})

test('esc01: an escaped user part is no SIPS URI, and escapes change no identity (RFC 4475 section 3.1.1.3)', () => {
  const message = request('esc01')
  const { scheme, user, host } = parseSipUri(message.uri)
  assert.deepEqual([scheme, user, host], ['sip', 'sips%3Auser%40example.com', 'example.net'])
  assert.ok(sameSipUri(toUri(message), 'sip:user@example.com'))
  const [contact] = contactsOf(message)
  assert.ok(contact && sameSipUri(contact.uri, 'sip:caller@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31'))
})

test('escnull: two Contacts with nulls are two bindings (RFC 4475 section 3.1.1.4)', () => {
  const contacts = contactsOf(request('escnull'))
  assert.deepEqual(
    contacts.map(({ uri }) => uri),
    ['sip:%00@host5.example.com', 'sip:%00%00@host5.example.com'],
  )
  assert.ok(!sameSipUri(contacts[0]?.uri ?? '', contacts[1]?.uri ?? ''))
})

test('esc02: % escapes nothing outside of URIs (RFC 4475 section 3.1.1.5)', () => {
  const message = request('esc02')
  assert.equal(message.method, 'RE%47IST%45R')
  assert.equal(to(message).displayName, '%Z%45')
  assert.deepEqual(message.headers.list('Contact').length, 2)
  assert.equal(message.headers.get('C%6Fntact'), '<sip:alias2@host2.example.com>')
})

test('lwsdisp, semiuri: a display name may touch its URI; a semicolon may be the user’s (RFC 4475 section 3.1.1.6)', () => {
  assert.equal(from(request('lwsdisp')).displayName, 'caller')
  // RFC 4475 section 3.1.1.9
  const { user, host, params } = parseSipUri(request('semiuri').uri)
  assert.deepEqual([user, host, params.size], ['user;par=u%40example.net', 'example.com', 0])
})

test('longreq: 34 Vias and long values are read whole (RFC 4475 section 3.1.1.7)', () => {
  const message = request('longreq')
  assert.equal(message.headers.list('Via').length, 34)
  assert.equal(topVia(message).host, 'sip33.example.com')
  assert.match(to(message).displayName ?? '', /^I have a user name of (extreme){10} proportion$/)
  assert.equal(parseSipUri(toUri(message)).params.size, 3)
})

test('transports: no transport is too unknown to send an answer back through (RFC 4475 section 3.1.1.10)', () => {
  const outcome = answerStatelessly(tortureMessage('transports'))
  assert.ok(outcome.kind === 'answered')
  const transports = outcome.answer.headers.list('Via').map((via) => parseVia(via).transport)
  assert.deepEqual(transports, ['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP'])
})

test('mpart01: the parts come out octet for octet (RFC 4475 section 3.1.1.11)', () => {
  const message = request('mpart01')
  const parts = parseMultipart(message.body, parseContentType(message.headers.get('Content-Type') ?? ''))
  assert.deepEqual(
    parts.map(({ headers, body }) => [headers.get('Content-Type'), body.length]),
    [
      ['text/plain', 5],
      ['application/octet-stream', 342],
    ],
  )
  assert.equal(parts[0]?.body.toString(), 'Hello')
  // A SEQUENCE of 0x152 octets in DER: the signature is whole.
  assert.equal(parts[1]?.body.subarray(0, 4).toString('hex'), '30820152')
})

test('unreason, noreason: any reason phrase is taken, none too (RFC 4475 section 3.1.1.12)', () => {
  const { status, reason } = response('unreason')
  assert.equal(status, 200)
  assert.match(Buffer.from(reason, 'latin1').toString('utf8'), /^= 2\*\*3 \* 5\*\*2 но сто девяносто девять - простое$/)
  // RFC 4475 section 3.1.1.13
  assert.deepEqual([response('noreason').status, response('noreason').reason], [100, ''])
})

test('bcast: a response with two Vias is for somebody else (RFC 3261 section 8.1.3.3)', () => {
  assert.deepEqual(answerStatelessly(tortureMessage('bcast')), { kind: 'dropped' })
})

test('bext01: what is not supported is named, and Proxy-Require is not ours (RFC 4475 section 3.3.5)', () => {
  const outcome = answerStatelessly(tortureMessage('bext01'))
  assert.ok(outcome.kind === 'answered')
  assert.equal(outcome.answer.headers.get('Unsupported'), 'nothingSupportsThis, nothingSupportsThisEither')
})

test('zeromf: zero is well-formed; who forwards sees it (RFC 4475 section 3.3.11)', () => {
  assert.equal(maxForwards(request('zeromf')), 0)
})

test('cparam01, cparam02: brackets say whose parameter it is (RFC 4475 section 3.3.12)', () => {
  const [header, uri] = [...contactsOf(request('cparam01')), ...contactsOf(request('cparam02'))]
  assert.ok(header && uri)
  assert.deepEqual([header.uri, header.params.has('unknownparam')], ['sip:+19725552222@gw1.example.net', true])
  // RFC 4475 section 3.3.13
  assert.deepEqual([uri.uri, uri.params.size], ['sip:+19725552222@gw1.example.net;unknownparam', 0])
})

test('regescrt: a header in a Contact’s URI is part of the binding (RFC 4475 section 3.3.14)', () => {
  const outcome = answerStatelessly(tortureMessage('regescrt'))
  assert.ok(outcome.kind === 'answered')
  const contact = outcome.answer.headers.get('Contact')
  assert.equal(contact, '<sip:user@example.com?Route=%3Csip:sip.example.com%3E>')
})

test('inv2543: nodes of ours take no RFC 2543 request, a UAS that wants to can (RFC 4475 section 3.4.1)', () => {
  const message = request('inv2543')
  assert.throws(() => checkRequest(message))
  const { branch, fromTag } = checkRequest(message, { isRfc2543Taken: true })
  assert.deepEqual([branch, fromTag], ['', ''])
})
