package douyin

import (
	"context"
	"maps"
	"slices"
)

// Notification is one subscription message to one user.
type Notification struct {
	AppID      string // v1 only; v2 knows the app by its token
	TemplateID string
	OpenID     string
	Data       map[string]string // the template's keywords
	Page       string            // opened by a tap; empty: absent
}

type notifyV1Request struct {
	AccessToken string            `json:"access_token"`
	AppID       string            `json:"app_id"`
	TemplateID  string            `json:"tpl_id"`
	OpenID      string            `json:"open_id"`
	Data        map[string]string `json:"data"`
	Page        string            `json:"page,omitempty"`
}

type notifyV2Request struct {
	TemplateID string            `json:"msg_id"`
	OpenID     string            `json:"open_id"`
	Data       map[string]string `json:"data"`
	Page       string            `json:"page,omitempty"`
}

// NotifyV1 sends a message with an access_token
// (subscribe_notification/developer/v1/notify). There is no idempotency: after
// an error of KindUnknown the message may have been sent.
func (c *Client) NotifyV1(ctx context.Context, token Token, n Notification) (logID string, err error) {
	return c.notify(ctx, token, n, request{
		endpoint: EndpointNotifyV1,
		body: notifyV1Request{
			AccessToken: string(token), AppID: n.AppID, TemplateID: n.TemplateID,
			OpenID: n.OpenID, Data: n.Data, Page: n.Page,
		},
	})
}

// NotifyV2 sends a message with a client token
// (notification/v2/subscription/notify_user). There is no idempotency: after
// an error of KindUnknown the message may have been sent.
func (c *Client) NotifyV2(ctx context.Context, token Token, n Notification) (logID string, err error) {
	return c.notify(ctx, token, n, request{
		endpoint: EndpointNotifyV2,
		token:    token,
		body:     notifyV2Request{TemplateID: n.TemplateID, OpenID: n.OpenID, Data: n.Data, Page: n.Page},
	})
}

func (c *Client) notify(ctx context.Context, token Token, n Notification, req request) (string, error) {
	req.secrets = append(slices.Collect(maps.Values(n.Data)), string(token), n.OpenID)
	ans, err := c.do(ctx, req, nil)
	if err != nil {
		return "", err
	}
	return ans.logID, nil
}
