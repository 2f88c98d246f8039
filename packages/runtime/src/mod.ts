export type { Audit, AuditEvent, AuditIdentity } from './audit.ts'
export { type Config, loadConfig, sharedShape } from './config.ts'
export * as field from './config-fields.ts'
export { parseAddressPort, parseHostPort } from './config-fields.ts'
export { renderConfigTable } from './config-table.ts'
export {
  ConfigError,
  type ConfigProblem,
  HttpsError,
  type HttpsErrorCode,
  KeyFileError,
  ListenError,
  PeerIdentityError,
  RpcError,
  type RpcErrorCode,
  TlsIdentityError,
} from './errors.ts'
export { type CallUnaryOptions, callUnary, createGrpcClient } from './grpc-client.ts'
export { type GrpcServer, startGrpcServer } from './grpc-server.ts'
export { createGrpcService, type GrpcService, type Handlers, type RpcContext } from './grpc-service.ts'
export { createEnvelope } from './hop/envelope.ts'
export type { ForwardFailure, ForwardRequest, PartitionPlace } from './hop/forward-request.ts'
export type { HopTarget } from './hop/links.ts'
export { type HopPeerSender, HopPeers } from './hop/peers.ts'
export type { HopRequest, HopSendOptions } from './hop/pending.ts'
export { ReplicaForwarder, type ReplicaForwarderOptions } from './hop/replica-forwarder.ts'
export type { HopOutcome, HopResult } from './hop/result.ts'
export { HopRouter } from './hop/router.ts'
export {
  createHopService,
  type HopIncoming,
  type HopPeer,
  type HopReply,
  type HopRequestHandler,
} from './hop/service.ts'
export { responseBranch, responseStatus } from './hop/sip-scan.ts'
export { type CertificatePair, readPem, ServerCertificate } from './https-certificate.ts'
export {
  HTTPS_CLIENT_LIMITS,
  HttpsClient,
  type HttpsClientAnswer,
  type HttpsClientLimits,
  type HttpsClientRequest,
} from './https-client.ts'
export { type HttpAnswer, type HttpHandler, type HttpRequest, serveHttp } from './https-exchange.ts'
export { HANDSHAKE_MS, HTTP_LIMITS, type HttpLimits, httpServerOptions } from './https-limits.ts'
export { type HttpsServer, listen, type PeerHttpRequest, startHttpsServer, stopHttp } from './https-server.ts'
export { createIdentityHash, type IdentityHash } from './identity-hash.ts'
export { createLogger, flatLog, type Logger } from './log.ts'
export type { Counter, GaugeHandle, Histogram, Metrics } from './metrics.ts'
export type {
  AttributeName,
  AuditEventName,
  CounterName,
  GaugeName,
  HistogramName,
  MetricName,
  SpanAttributes,
  SpanName,
} from './names.ts'
export { SERVICE_NODE_FLAGS } from './node-flags.ts'
export { ProbeServer, type Readiness } from './probes.ts'
export { checkLeaseTiming, leaseTiming, replicaFields } from './replica-fields.ts'
export { HOP_SENDERS, mayAssert, maySend, RPC_ROLES } from './role-table.ts'
export { isRole, ROLES, type Role } from './roles.ts'
export { runService, type Service } from './run-service.ts'
export { createRuntime, type Runtime } from './runtime.ts'
export { alternativeNames, type Peer, parsePeer } from './spiffe.ts'
export { TlsIdentity } from './tls-identity.ts'
export {
  activeTraceparent,
  enableTracing,
  failSpan,
  isTracing,
  parseTraceparent,
  runInSpan,
  type SpanOptions,
  shutdownTracing,
  startSpan,
  traceparentOf,
} from './tracing.ts'
export { WatchedFiles } from './watched-files.ts'
