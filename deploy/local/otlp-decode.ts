import { BinaryReader } from '@bufbuild/protobuf/wire'

/** One span as an OTLP receiver got it, with what a waterfall and the trace test need. */
export interface ReceivedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root span. */
  readonly parentSpanId: string
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly failed: boolean
}

type Fields = (reader: BinaryReader, field: number) => boolean

/**
 * Reads the body of an OTLP/HTTP trace export in protobuf form (opentelemetry-proto `ExportTraceServiceRequest`).
 * Unknown fields are skipped.
 *
 * @throws Error when the octets are no protobuf message.
 */
export function decodeTraceExport(body: Uint8Array): ReceivedSpan[] {
  const spans: ReceivedSpan[] = []
  readMessage(new BinaryReader(body), undefined, (reader, field) => {
    if (field !== 1) return false
    readResourceSpans(reader, spans)
    return true
  })
  return spans
}

function readResourceSpans(reader: BinaryReader, into: ReceivedSpan[]): void {
  const resource: Record<string, string> = {}
  const spans: Omit<ReceivedSpan, 'service'>[] = []
  readMessage(reader, reader.uint32(), (inner, field) => {
    if (field === 1) {
      readMessage(inner, inner.uint32(), (attributes, number) => number === 1 && readKeyValue(attributes, resource))
      return true
    }
    if (field !== 2) return false
    readMessage(inner, inner.uint32(), (scope, number) => {
      if (number !== 2) return false
      spans.push(readSpan(scope))
      return true
    })
    return true
  })
  const service = resource['service.name'] ?? 'unknown'
  for (const span of spans) into.push({ service, ...span })
}

function readSpan(reader: BinaryReader): Omit<ReceivedSpan, 'service'> {
  const attributes: Record<string, string> = {}
  const links: { traceId: string; spanId: string }[] = []
  let [traceId, spanId, parentSpanId, name] = ['', '', '', '']
  let [startMs, endMs, failed] = [0, 0, false]
  readMessage(reader, reader.uint32(), (inner, field) => {
    switch (field) {
      case 1:
        traceId = hex(inner.bytes())
        return true
      case 2:
        spanId = hex(inner.bytes())
        return true
      case 4:
        parentSpanId = hex(inner.bytes())
        return true
      case 5:
        name = inner.string()
        return true
      case 7:
        startMs = Number(BigInt(inner.fixed64())) / 1e6
        return true
      case 8:
        endMs = Number(BigInt(inner.fixed64())) / 1e6
        return true
      case 9:
        return readKeyValue(inner, attributes)
      case 13:
        links.push(readLink(inner))
        return true
      case 15:
        readMessage(inner, inner.uint32(), (status, number) => {
          if (number !== 3) return false
          failed = status.int32() === 2
          return true
        })
        return true
      default:
        return false
    }
  })
  return { traceId, spanId, parentSpanId, name, startMs, endMs, attributes, links, failed }
}

function readLink(reader: BinaryReader): { traceId: string; spanId: string } {
  const link = { traceId: '', spanId: '' }
  readMessage(reader, reader.uint32(), (inner, field) => {
    if (field === 1) link.traceId = hex(inner.bytes())
    else if (field === 2) link.spanId = hex(inner.bytes())
    else return false
    return true
  })
  return link
}

function readKeyValue(reader: BinaryReader, into: Record<string, string>): true {
  let key = ''
  let value = ''
  readMessage(reader, reader.uint32(), (inner, field) => {
    if (field === 1) key = inner.string()
    else if (field === 2) value = readAnyValue(inner)
    else return false
    return true
  })
  into[key] = value
  return true
}

function readAnyValue(reader: BinaryReader): string {
  let value = ''
  readMessage(reader, reader.uint32(), (inner, field) => {
    if (field === 1) value = inner.string()
    else if (field === 2) value = String(inner.bool())
    else if (field === 3) value = String(inner.int64())
    else if (field === 4) value = String(inner.double())
    else return false
    return true
  })
  return value
}

/** Walks the fields of one message; `take` reads a field and says true, or says false and it is skipped. */
function readMessage(reader: BinaryReader, length: number | undefined, take: Fields): void {
  const end = length === undefined ? reader.len : reader.pos + length
  while (reader.pos < end) {
    const tag = reader.uint32()
    if (!take(reader, tag >>> 3)) reader.skip(tag & 7)
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
