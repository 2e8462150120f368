// ascend-api.md, section 3.7.
#ifndef ACLNNOP_ACLNN_MASKED_FILL_TENSOR_H_
#define ACLNNOP_ACLNN_MASKED_FILL_TENSOR_H_

#include "aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

aclnnStatus aclnnInplaceMaskedFillTensorGetWorkspaceSize(aclTensor *selfRef, const aclTensor *mask,
                                                         const aclTensor *value, uint64_t *workspaceSize,
                                                         aclOpExecutor **executor);
aclnnStatus aclnnInplaceMaskedFillTensor(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor,
                                         aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif
