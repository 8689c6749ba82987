/** What a route or a filter chain asks of a request or connection, in few words. Envoy's own words, so not translated. */
import { list, number, object, text, texts, type Json } from './read-json.ts';

/** @param match Envoy's FilterChainMatch. @returns `port 8080, TLS, SNI a.example`; empty: any connection. */
export function matchOfChain(match: Json): string {
  const ranges = list(match.prefix_ranges).map(rangeOf);
  const sources = [...list(match.source_prefix_ranges), ...list(match.direct_source_prefix_ranges)].map(rangeOf);
  const port = number(match.destination_port);
  return [
    port && `port ${port}`,
    ranges.length > 0 && `to ${ranges.join(', ')}`,
    sources.length > 0 && `from ${sources.join(', ')}`,
    texts(match.server_names).length > 0 && `SNI ${texts(match.server_names).join(', ')}`,
    text(match.transport_protocol) === 'raw_buffer' ? 'plaintext' : text(match.transport_protocol).toUpperCase(),
    texts(match.application_protocols).length > 0 && `ALPN ${texts(match.application_protocols).join(', ')}`,
  ]
    .filter(Boolean)
    .join('; ');
}

function rangeOf({ address_prefix: address, prefix_len: length }: Json): string {
  // A length of 0 is an empty message to protobuf, and then may be absent altogether.
  return `${text(address)}/${number(length) || '0'}`;
}

/** @param match Envoy's RouteMatch. @returns `/api*, header end-user = jason, method = GET` */
export function matchOfRoute(match: Json): string {
  const headers = list(match.headers).map((header) => conditionOf(headerName(text(header.name)), header));
  const parameters = list(match.query_parameters).map((one) => conditionOf(`query ${text(one.name)}`, one));
  const ends = text(match.path_match_policy);
  const others = [match.grpc !== undefined && 'gRPC', match.tls_context !== undefined && 'TLS', ends].filter(Boolean);
  return [pathOf(match), ...headers, ...parameters, ...others].join(', ');
}

function pathOf(match: Json): string {
  if (match.prefix !== undefined) return `${text(match.prefix)}*`;
  if (match.path_separated_prefix !== undefined) return `${text(match.path_separated_prefix)}/*`;
  const regex = object(match.safe_regex).regex ?? match.regex;
  if (regex !== undefined) return `~ ${text(regex)}`;
  if (match.connect_matcher !== undefined) return 'CONNECT';
  return text(match.path) || '*';
}

/** The headers of HTTP/2 that stand for a request's line. */
function headerName(name: string): string {
  return name.startsWith(':') ? name.slice(1) : `header ${name}`;
}

/** Of a HeaderMatcher or a QueryParameterMatcher, whose fields had other names in older versions. */
function conditionOf(what: string, matcher: Json): string {
  const string = object(matcher.string_match);
  const not = matcher.invert_match === true ? 'not ' : '';
  const say = (is: string) => `${not}${what} ${is}`;
  const exact = string.exact ?? matcher.exact_match;
  if (exact !== undefined) return say(`= ${text(exact)}`);
  const prefix = string.prefix ?? matcher.prefix_match;
  if (prefix !== undefined) return say(`= ${text(prefix)}*`);
  const suffix = string.suffix ?? matcher.suffix_match;
  if (suffix !== undefined) return say(`= *${text(suffix)}`);
  const part = string.contains ?? matcher.contains_match;
  if (part !== undefined) return say(`= *${text(part)}*`);
  const regex = string.safe_regex ?? matcher.safe_regex_match;
  if (regex !== undefined) return say(`~ ${text(object(regex).regex)}`);
  const { start, end } = object(matcher.range_match);
  if (matcher.range_match !== undefined) return say(`${number(start) || '0'}–${number(end) || '0'}`);
  return `${not}${what}`;
}
