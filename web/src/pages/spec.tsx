import {Button, CopyButton} from '@mantine/core';
import {stringify} from 'yaml';
import type {WorkloadView} from '../api/client';
import {Panel} from '../components/parts';
import {download} from '../format';

/** The workload as its owner wrote it, ready to be submitted again. */
export const yamlOf = ({apiVersion, kind, metadata, spec}: WorkloadView) => stringify({apiVersion, kind, metadata, spec}, {lineWidth: 0});

export default function Spec({workload}: {workload: WorkloadView}) {
  const text = yamlOf(workload);
  return (
    <Panel
      title="As it was submitted"
      actions={
        <span className="row">
          <CopyButton value={text}>
            {({copied, copy}) => (
              <Button size="xs" variant="default" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
          <Button size="xs" variant="default" onClick={() => download(`${workload.metadata.name}.yaml`, text, 'application/yaml')}>
            Download
          </Button>
        </span>
      }
    >
      <pre className="log" tabIndex={0} aria-label="Specification">
        {text}
      </pre>
    </Panel>
  );
}
