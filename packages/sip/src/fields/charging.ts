import { EQUAL, paramValueEnd, QUOTE, SEMICOLON, skipBlanks, tokenEnd } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import { PARAMS_MAX } from '../limits.ts'
import { formatParams, isParamValue, type Params, paramValue, parseParams } from '../params.ts'
import { quote, quotedEnd, unquote } from '../quoted-string.ts'
import { withoutParams } from './elements.ts'

/** P-Charging-Vector: what charging records of one session are found by. */
export interface ChargingVector {
  /** IMS charging identity, without quotes. */
  readonly icid: string
  readonly icidGeneratedAt?: string | undefined
  /** Inter-operator identifiers of the originating and the terminating side, without quotes. */
  readonly origIoi?: string | undefined
  readonly termIoi?: string | undefined
  /** The rest as it came, e.g. `transit-ioi`, `related-icid`. */
  readonly params?: Params | undefined
}

const VECTOR = 'P-Charging-Vector'
const VECTOR_TYPED = ['icid-value', 'icid-generated-at', 'orig-ioi', 'term-ioi']

/**
 * Reads P-Charging-Vector.
 *
 * @throws SipSyntaxError also when it has no icid-value in front.
 * @see RFC 7315 sections 4.6 and 5.6
 */
export function parseChargingVector(text: string): ChargingVector {
  const params = parseParams(`;${text}`, 0, VECTOR)
  const icid = unquotedParam(params, 'icid-value')
  if (icid === undefined || icid === '') throw new SipSyntaxError(VECTOR, 'has no icid-value')
  return {
    icid,
    icidGeneratedAt: unquotedParam(params, 'icid-generated-at'),
    origIoi: unquotedParam(params, 'orig-ioi'),
    termIoi: unquotedParam(params, 'term-ioi'),
    params: withoutParams(params, VECTOR_TYPED),
  }
}

/** The inverse; in quotes what cannot stand without. */
export function formatChargingVector(vector: ChargingVector): string {
  const { icid, icidGeneratedAt, origIoi, termIoi } = vector
  const typed = [
    ['icid-value', icid],
    ['icid-generated-at', icidGeneratedAt],
    ['orig-ioi', origIoi],
    ['term-ioi', termIoi],
  ] as const
  const parts = typed.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${genericValue(value)}`]))
  return parts.join(';') + formatParams(vector.params ?? new Map())
}

/** P-Charging-Function-Addresses: where charging records go. */
export interface ChargingFunctions {
  /** Charging collection functions, the first one preferred; without quotes. */
  readonly ccf: readonly string[]
  /** Event charging functions, likewise. */
  readonly ecf: readonly string[]
  /** The rest, each as it came. */
  readonly params: readonly (readonly [name: string, value: string | true])[]
}

const FUNCTIONS = 'P-Charging-Function-Addresses'

/**
 * Reads P-Charging-Function-Addresses. Unlike elsewhere `ccf` and `ecf` may come more than once.
 *
 * @throws SipSyntaxError
 * @see RFC 7315 sections 4.5 and 5.5
 */
export function parseChargingFunctions(lines: readonly string[]): ChargingFunctions {
  const ccf: string[] = []
  const ecf: string[] = []
  const params: (readonly [string, string | true])[] = []
  for (const line of lines) {
    for (const [name, value] of parametersOf(line)) {
      if (name !== 'ccf' && name !== 'ecf') params.push([name, value])
      else if (value === true) throw new SipSyntaxError(FUNCTIONS, `has no value for ${name}`)
      else (name === 'ccf' ? ccf : ecf).push(unquote(value))
      if (ccf.length + ecf.length + params.length > PARAMS_MAX) {
        throw new SipSyntaxError(FUNCTIONS, `has over ${PARAMS_MAX} parameters`)
      }
    }
  }
  return { ccf, ecf, params }
}

/** `name=value` with semicolons between, in order, also several of a name; a comma separates as well. */
function* parametersOf(line: string): Generator<readonly [name: string, value: string | true]> {
  for (let at = skipBlanks(line, 0); ; at = skipBlanks(line, at + 1)) {
    const nameEnd = tokenEnd(line, at)
    if (nameEnd === at) throw new SipSyntaxError(FUNCTIONS, 'has a parameter without name')
    const name = line.slice(at, nameEnd).toLowerCase()
    at = skipBlanks(line, nameEnd)
    let value: string | true = true
    if (line.charCodeAt(at) === EQUAL) {
      const start = skipBlanks(line, at + 1)
      const end = line.charCodeAt(start) === QUOTE ? quotedEnd(line, start) : paramValueEnd(line, start)
      if (end <= start) throw new SipSyntaxError(FUNCTIONS, `has no value for ${name}`)
      value = line.slice(start, end)
      at = skipBlanks(line, end)
    }
    yield [name, value]
    if (at === line.length) return
    if (line.charCodeAt(at) !== SEMICOLON && line[at] !== ',') {
      throw new SipSyntaxError(FUNCTIONS, 'has text that is no parameter')
    }
  }
}

/** The inverse: one line. */
export function formatChargingFunctions(functions: ChargingFunctions): string {
  return [
    ...functions.ccf.map((address) => `ccf=${genericValue(address)}`),
    ...functions.ecf.map((address) => `ecf=${genericValue(address)}`),
    ...functions.params.map(([name, value]) => (value === true ? name : `${name}=${value}`)),
  ].join(';')
}

function unquotedParam(params: Params, name: string): string | undefined {
  const value = paramValue(params, name)
  return value === undefined ? undefined : unquote(value)
}

/** `gen-value`: as it is where it can stand so, else in quotes. */
function genericValue(value: string): string {
  return isParamValue(value) ? value : quote(value)
}
