import { api } from '../api';
import { array, bool, int16, int32, int8, nullable, string } from '../schema';

/** DescribeConfigs. v1: synonyms and sources. v3: types and documentation. v4: flexible. */
export const DescribeConfigs = api(
  32,
  { name: 'DescribeConfigs', versions: '1-4', flexible: '4+' },
  {
    request: {
      resources: array({
        resourceType: int8,
        resourceName: string,
        configurationKeys: nullable(array(string)),
      }),
      includeSynonyms: bool.default(false),
      includeDocumentation: bool.since(3),
    },
    response: {
      throttleTimeMs: int32.default(0),
      results: array({
        errorCode: int16,
        errorMessage: nullable(string),
        resourceType: int8,
        resourceName: string,
        configs: array({
          name: string,
          value: nullable(string),
          readOnly: bool,
          configSource: int8.default(-1),
          isSensitive: bool,
          synonyms: array({ name: string, value: nullable(string), source: int8 }).default([]),
          configType: int8.since(3),
          documentation: nullable(string).since(3),
        }),
      }),
    },
  },
);
